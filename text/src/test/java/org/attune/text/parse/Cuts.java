package org.attune.text.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;

/// Checks that a turn is read the same in pieces as at once.
public final class Cuts {
    private Cuts() {}

    /// Every cut into two, and single characters.
    ///
    /// @return number of ways
    public static int check(TurnParser parser, String prefix, String text, List<Object> tools) {
        ParsedTurn whole = parser.parse(prefix, text, tools);
        for (int cut = 0; cut <= text.length(); cut++) {
            check(
                    parser,
                    prefix,
                    List.of(text.substring(0, cut), text.substring(cut)),
                    tools,
                    whole);
        }
        List<String> characters = text.chars().mapToObj(c -> String.valueOf((char) c)).toList();
        check(parser, prefix, characters, tools, whole);
        return text.length() + 2;
    }

    private static void check(
            TurnParser parser,
            String prefix,
            List<String> pieces,
            List<Object> tools,
            ParsedTurn whole) {
        TurnStream stream = parser.open(prefix, tools);
        var events = new ArrayList<TurnEvent>();
        pieces.forEach(piece -> events.addAll(stream.feed(piece)));
        events.addAll(stream.finish());
        assertEquals(whole.toString(), stream.turn().toString(), pieces.toString());
        var content = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new ArrayList<ToolCall>();
        var problems = new ArrayList<String>();
        for (TurnEvent event : events) {
            switch (event) {
                case TurnEvent.Content(String text) -> content.append(text);
                case TurnEvent.Reasoning(String text) -> reasoning.append(text);
                case TurnEvent.Call(ToolCall call) -> calls.add(call);
                case TurnEvent.Problem(String text) -> problems.add(text);
            }
        }
        assertEquals(whole.message().content(), content.toString());
        assertEquals(whole.reasoning(), reasoning.toString());
        assertEquals(whole.calls().toString(), calls.toString());
        assertEquals(whole.problems(), problems);
    }
}
