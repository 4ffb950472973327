#compdef schemadctl
# Completion of schemadctl for zsh: it asks schemadctl what the last word can become.

_schemadctl()
{
    local line
    local -a texts shown

    while IFS= read -r line; do
        texts+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if ((${#texts})); then
        compadd -l -d shown -a texts
    else
        _files
    fi
}

if [[ $funcstack[1] == _schemadctl ]]; then
    _schemadctl "$@"
else
    compdef _schemadctl schemadctl
fi
