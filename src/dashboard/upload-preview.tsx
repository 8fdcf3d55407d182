// What adding a folder would send: files, bytes, and what would stay here and why.

import { bytesText, countText } from './format.ts';
import { heldReasonText } from './held-reason.ts';
import type { Upload } from './wire.ts';

const MOST_NAMED = 20;

export function uploadText({ files, bytes, unpushedCommits, heldCount, remoteUrl }: Upload): string {
  const parts = [
    files === 0 && remoteUrl !== null
      ? 'nothing new for the remote'
      : `${countText(files, 'file')} (${bytesText(bytes)}) would go`,
    unpushedCommits > 0 && `with ${countText(unpushedCommits, 'commit')} of yours`,
    heldCount > 0 && `${countText(heldCount, 'file')} would stay here`,
  ];
  return parts.filter(Boolean).join(', ');
}

export function UploadPreview({ upload }: { upload: Upload }) {
  const { branch, remoteUrl, files, sample, held, heldCount } = upload;
  return (
    <div class="upload">
      <p>
        {branch !== null && (
          <>
            On branch <b>{branch}</b>:{' '}
          </>
        )}
        {uploadText(upload)}. {remoteUrl === null ? 'It has no remote yet.' : `It goes to ${remoteUrl}.`}
      </p>
      {sample.length > 0 && (
        <details>
          <summary>{files > sample.length ? `The first ${sample.length} files` : 'The files'}</summary>
          <ul class="paths">
            {sample.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      {heldCount > 0 && (
        <details open>
          <summary>{countText(heldCount, 'file')} would stay on this machine</summary>
          <ul class="paths">
            {held.slice(0, MOST_NAMED).map(({ path, reason, commit }) => (
              <li key={path}>
                <code>{path}</code> {heldReasonText(reason)}
                {commit !== null && ', and is in a commit: the branch would wait for your word'}
              </li>
            ))}
            {heldCount > MOST_NAMED && <li>and {(heldCount - MOST_NAMED).toLocaleString()} more</li>}
          </ul>
        </details>
      )}
    </div>
  );
}
