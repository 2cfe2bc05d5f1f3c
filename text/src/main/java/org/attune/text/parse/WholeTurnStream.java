package org.attune.text.parse;

import java.util.ArrayList;
import java.util.List;

/// Collects a turn and reads it once it has ended.
final class WholeTurnStream implements TurnStream {
    private final TurnParser parser;
    private final String prefix;
    private final List<Object> tools;
    private final StringBuilder text = new StringBuilder();
    private ParsedTurn turn;

    WholeTurnStream(TurnParser parser, String prefix, List<Object> tools) {
        this.parser = parser;
        this.prefix = prefix;
        this.tools = List.copyOf(tools);
    }

    @Override
    public List<TurnEvent> feed(String piece) {
        requireOpen();
        text.append(piece);
        return List.of();
    }

    @Override
    public List<TurnEvent> finish() {
        requireOpen();
        turn = parser.parse(prefix, text.toString(), tools);
        var events = new ArrayList<TurnEvent>();
        String reasoning = turn.reasoning();
        if (!reasoning.isEmpty()) {
            events.add(new TurnEvent.Reasoning(reasoning));
        }
        if (!turn.message().content().isEmpty()) {
            events.add(new TurnEvent.Content(turn.message().content()));
        }
        turn.calls().forEach(call -> events.add(new TurnEvent.Call(call)));
        turn.problems().forEach(problem -> events.add(new TurnEvent.Problem(problem)));
        return events;
    }

    private void requireOpen() {
        if (turn != null) {
            throw new IllegalStateException("the turn was finished");
        }
    }

    @Override
    public ParsedTurn turn() {
        if (turn == null) {
            throw new IllegalStateException("the turn wasn't finished");
        }
        return turn;
    }
}
