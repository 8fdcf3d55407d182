#!/bin/sh
# Sends a notice of gitferry by e-mail through sendmail: mail.sh <to> [<from>]
# gitferry gives the title and the text as variables; the title has one line.
set -eu
to=${1:?usage: mail.sh <to> [<from>]}
from=${2:-$to}
subject=${GITFERRY_NOTICE_TITLE:?gitferry sets it}
if printf '%s' "$subject" | LC_ALL=C grep -q '[^ -~]'; then
  subject="=?UTF-8?B?$(printf '%s' "$subject" | base64 | tr -d '\n')?="
fi

{
  printf 'From: %s\n' "$from"
  printf 'To: %s\n' "$to"
  printf 'Subject: %s\n' "$subject"
  printf 'Message-ID: <%s@gitferry>\n' "${GITFERRY_NOTICE_ID:?gitferry sets it}"
  printf 'Auto-Submitted: auto-generated\n'
  printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
  printf '%s\n' "${GITFERRY_NOTICE_TEXT:?gitferry sets it}"
} | "${SENDMAIL:-sendmail}" -i -f "$from" -- "$to"
