package config

import (
	"fmt"
	"strings"
)

// Markdown returns all variables as Markdown, a table for each group.
func Markdown() string {
	var b strings.Builder
	for _, v := range Variables() {
		if v.group() != "" {
			if b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "### %s\n\n| variable | default | meaning |\n|---|---|---|\n", v.group())
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, codeCell(v.Default), cell(v.Meaning()))
	}
	return b.String()
}

func codeCell(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

// cell escapes what would end a table's cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
