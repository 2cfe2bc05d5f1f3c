package org.attune.text.parse;

import java.util.List;

/// Reads the turns of one family of chat models. Immutable and thread-safe.
@FunctionalInterface
public interface TurnParser {
    /// Reads a turn that has ended.
    ///
    /// @param prefix the end of the prompt that the turn follows, at least from the header of the
    ///     turn on: some prompts open a block of reasoning
    /// @param text of the turn, special tokens and the end token included
    /// @param tools that the model was offered, as chat templates take them; arguments that are
    ///     written as text get the types of their schemas
    ParsedTurn parse(String prefix, String text, List<Object> tools);

    /// Reads a turn that has ended, where no types of arguments are known.
    default ParsedTurn parse(String prefix, String text) {
        return parse(prefix, text, List.of());
    }

    /// Begins to read a turn that is being written. A parser that can't read in pieces says all at
    /// the end.
    default TurnStream open(String prefix, List<Object> tools) {
        return new WholeTurnStream(this, prefix, tools);
    }

    /// A parser of the same turns that keeps white space around texts, where the parser leaves it
    /// out.
    default TurnParser keepingSpace() {
        return this;
    }
}
