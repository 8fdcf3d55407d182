// pm2: `npm run build && pm2 start ecosystem.config.cjs`. Tokens come from the environment that pm2 is started in.
// One process: two on one database would refuse to run beside each other.
module.exports = {
  apps: [
    {
      name: 'gitferry',
      script: './dist/main.js',
      args: 'start',
      cwd: __dirname,
      exec_mode: 'fork',
      instances: 1,
      autorestart: true,
      watch: false,
      // Running syncs may finish: longer than shutdownGraceMs.
      kill_timeout: 30_000,
      max_memory_restart: '1G',
      env: { NODE_ENV: 'production' },
    },
  ],
};
