package org.attune.agents.loop;

import org.attune.episode.ToolOutcome;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

/// Writes what came of a turn's calls as messages.
@FunctionalInterface
public interface AnswerForm {
    /// A message for each outcome in their order, then one for each problem.
    AnswerForm PLAIN = AnswerForm::plain;

    /// @param outcomes of the calls, in their order
    /// @param problems of calls that couldn't be read, each a sentence for the model
    List<Message> messages(List<ToolOutcome> outcomes, List<String> problems);

    private static List<Message> plain(List<ToolOutcome> outcomes, List<String> problems) {
        List<Message> messages = new ArrayList<>();
        for (ToolOutcome outcome : outcomes) {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("role", "tool");
            fields.put("name", outcome.call().name());
            outcome.call().id().ifPresent(id -> fields.put("tool_call_id", id));
            fields.put("content", outcome.text());
            messages.add(new Message(fields));
        }
        for (String problem : problems) {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("role", "tool");
            fields.put("name", "error");
            fields.put("content", "error: " + problem);
            messages.add(new Message(fields));
        }
        return messages;
    }
}
