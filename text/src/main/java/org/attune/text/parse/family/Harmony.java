package org.attune.text.parse.family;

import org.attune.text.parse.turn.CallReader.CallReading;
import org.attune.text.parse.turn.Mark;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.Quote;
import org.attune.text.parse.turn.Region;
import org.attune.text.parse.turn.TurnFormat.Opening;
import org.attune.text.parse.turn.UnreadableException;
import org.attune.text.parse.turn.WrittenCall;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Turns of gpt-oss: messages, each with a header that names its channel and who it goes to, in any
/// order: `<|channel|>commentary to=functions.add <|constrain|>json<|message|>{…}<|call|>`.
final class Harmony {
    private static final Pattern RECIPIENT = Pattern.compile("to=([^\\s<]+)");
    private static final Pattern CHANNEL = Pattern.compile("<\\|channel\\|>\\s*(\\w+)");
    private static final String FUNCTIONS = "functions.";

    private static final List<Mark> CLOSES =
            List.of(Mark.of("<|end|>"), Mark.of("<|call|>"), Mark.before("<|start|>"));

    static final Opening MESSAGE =
            new Opening(Mark.of("<|message|>"), true, (_, header) -> region(header));

    private Harmony() {}

    private static Region region(String header) {
        Matcher recipient = RECIPIENT.matcher(header);
        if (recipient.find()) {
            String to = recipient.group(1);
            return new Region.Calls(
                    CLOSES, Quote.JSON, true, (body, _) -> CallReading.of(List.of(call(to, body))));
        }
        Matcher channel = CHANNEL.matcher(header);
        boolean isReasoning = channel.find() && channel.group(1).equals("analysis");
        return new Region.Prose(isReasoning, CLOSES);
    }

    /// Tools other than functions may get code instead of JSON.
    private static WrittenCall call(String to, String body) {
        boolean isFunction = to.startsWith(FUNCTIONS);
        String name = isFunction ? to.substring(FUNCTIONS.length()) : to;
        try {
            return WrittenCall.of(null, name, MarkedCalls.object(body));
        } catch (UnreadableException e) {
            if (isFunction || PythonRules.strip(body).startsWith("{")) {
                throw e;
            }
            return WrittenCall.of(null, name, Map.of("code", body));
        }
    }
}
