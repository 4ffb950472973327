# Completion of schemadctl for bash: it asks schemadctl what the last word can become.

_schemadctl()
{
    local line=${COMP_LINE:0:COMP_POINT} char text done=
    local -a words

    # By white space: readline ends words at ':', '=' and '@' too, which are parts of targets.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    for char in : = @; do
        text=${words[-1]%"$char"*}$char
        if [[ $COMP_WORDBREAKS == *"$char"* && ${words[-1]} == *"$char"* ]] &&
            ((${#text} > ${#done})); then
            done=$text
        fi
    done
    COMPREPLY=()
    while IFS= read -r text; do
        text=${text%%$'\t'*}
        COMPREPLY+=("${text#"$done"}")
    done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
}

complete -o default -F _schemadctl schemadctl
