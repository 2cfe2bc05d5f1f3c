package org.attune.text.parse.turn;

import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.TurnStream;

import java.util.List;

/// Reads turns of a format. Stretches of content are joined; calls that can be read are, whatever
/// else the turn holds; what can't be read stays in the content and is a problem; a call that was
/// cut is none.
public record FormatParser(TurnFormat format) implements TurnParser {
    @Override
    public ParsedTurn parse(String prefix, String text, List<Object> tools) {
        TurnStream stream = open(prefix, tools);
        stream.feed(text);
        stream.finish();
        return stream.turn();
    }

    @Override
    public TurnStream open(String prefix, List<Object> tools) {
        return new FormatStream(format, new ArgumentTypes(tools), prefix);
    }

    @Override
    public TurnParser keepingSpace() {
        return new FormatParser(format.keepingSpace());
    }
}
