# Prints what becomes of the line in an interactive zsh (with .zshrc below) when Tab is pressed.
zmodload zsh/zpty
zpty shell zsh -i
zpty -r -m shell screen '*ready*'
zpty -w -n shell "$1"$'\t'
zpty -w -n shell $'\x18t'
zpty -r -m shell screen '*LINE<*>*'
print -r -- "${${screen##*LINE<}%%>*}"
