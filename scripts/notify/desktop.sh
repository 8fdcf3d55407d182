#!/bin/sh
# Shows a notice of gitferry on the desktop: by notify-send on Linux, by osascript on macOS.
# gitferry gives the title and the text as variables; both are passed on as arguments, never as program text.
set -eu
title=${GITFERRY_NOTICE_TITLE:?gitferry sets it}
text=${GITFERRY_NOTICE_TEXT:?gitferry sets it}

if command -v notify-send >/dev/null 2>&1; then
  exec notify-send --app-name=gitferry -- "$title" "$text"
fi
if command -v osascript >/dev/null 2>&1; then
  exec osascript \
    -e 'on run {theTitle, theText}' \
    -e 'display notification theText with title theTitle' \
    -e 'end run' \
    "$title" "$text"
fi
echo 'neither notify-send nor osascript is installed' >&2
exit 1
