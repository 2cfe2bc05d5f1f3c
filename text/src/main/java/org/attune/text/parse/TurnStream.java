package org.attune.text.parse;

import java.util.List;

/// Reads one turn in pieces, with the same result however it was cut. Not thread-safe.
public interface TurnStream {
    /// Reads on.
    ///
    /// @param piece of the turn's text, of any length
    /// @return what has become sure
    /// @throws IllegalStateException if the turn was finished
    List<TurnEvent> feed(String piece);

    /// Ends the turn.
    ///
    /// @return what has become sure by that
    /// @throws IllegalStateException if the turn was finished
    List<TurnEvent> finish();

    /// The whole turn, as [TurnParser#parse] reads it.
    ///
    /// @throws IllegalStateException if the turn wasn't finished
    ParsedTurn turn();
}
