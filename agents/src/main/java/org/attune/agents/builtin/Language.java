package org.attune.agents.builtin;

import java.util.Locale;

/// What code can be written in.
enum Language {
    /// Python 3, as it is installed.
    PYTHON("code", "Runs a Python program and returns what it prints.", "a whole program", true),
    /// Java, one source file, by the JDK that this process runs on.
    JAVA("code", "Runs a Java program and returns what it prints.", "one source file", false),
    /// Commands of a shell: bash where there is one, else sh.
    SH("command", "Runs shell commands and returns what they print.", "one or more lines", true);

    private final String argument;
    private final String description;
    private final String form;
    private final boolean hasSessions;

    Language(String argument, String description, String form, boolean hasSessions) {
        this.argument = argument;
        this.description = description;
        this.form = form;
        this.hasSessions = hasSessions;
    }

    /// The language's name in configurations, and the tool's: `python`.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Whether an interpreter can be kept from one call to the next.
    public boolean hasSessions() {
        return hasSessions;
    }

    /// The tool's only argument.
    String argument() {
        return argument;
    }

    String description() {
        return description;
    }

    String form() {
        return form;
    }
}
