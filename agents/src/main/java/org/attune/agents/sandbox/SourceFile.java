package org.attune.agents.sandbox;

/// A file that a program gets to read, and can't change.
///
/// @param name without a folder
/// @param text what is in it
public record SourceFile(String name, String text) {
    public SourceFile {
        if (name.isEmpty() || name.contains("/") || name.startsWith(".")) {
            throw new IllegalArgumentException("\"" + name + "\" is no name of a file");
        }
    }
}
