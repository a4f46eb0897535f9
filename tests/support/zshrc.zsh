PS1=
fpath=($COMPLETIONS $fpath)
autoload -U compinit
compinit -u -D
zle-line-init() { print ready }
tell() { print -r -- "LINE<$BUFFER>" }
zle -N zle-line-init
zle -N tell
bindkey '^Xt' tell
