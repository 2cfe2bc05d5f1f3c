package org.attune.serve;

/// A part of an answer: a text, what the model thought, or a call of a tool.
final class AnswerPart {
    private final Kind kind;
    private final String id; // of a call
    private final String name; // of its tool
    private final StringBuilder text = new StringBuilder();

    enum Kind {
        TEXT,
        REASONING,
        CALL
    }

    AnswerPart(Kind kind, String id, String name) {
        this.kind = kind;
        this.id = id;
        this.name = name;
    }

    Kind kind() {
        return kind;
    }

    /// What a call is called; empty for others.
    String id() {
        return id;
    }

    /// The tool of a call; empty for others.
    String name() {
        return name;
    }

    /// The text, or a call's arguments.
    String text() {
        return text.toString();
    }

    void append(String more) {
        text.append(more);
    }
}
