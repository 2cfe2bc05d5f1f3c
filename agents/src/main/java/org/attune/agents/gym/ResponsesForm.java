package org.attune.agents.gym;

import org.attune.episode.Episode;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An episode as OpenAI's Responses API writes an answer: messages, calls of functions and their
/// outputs, in order.
final class ResponsesForm {
    private ResponsesForm() {}

    static Map<String, Object> of(Episode episode) {
        var output = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < episode.turns().size(); i++) {
            add(episode.turns().get(i), i, output);
        }
        var response = new LinkedHashMap<String, Object>();
        response.put(
                "id",
                "resp_%d_%d".formatted(episode.start().id().round(), episode.start().id().place()));
        response.put("created_at", 0.0);
        response.put("model", "policy");
        response.put("object", "response");
        response.put("output", output);
        response.put("parallel_tool_calls", true);
        response.put("tool_choice", "auto");
        response.put("tools", List.of());
        return response;
    }

    private static void add(Turn turn, int index, List<Map<String, Object>> output) {
        turn.parsed()
                .map(parsed -> parsed.message())
                .filter(message -> !message.content().isEmpty())
                .ifPresent(message -> output.add(message("msg_" + index, message)));
        for (int i = 0; i < turn.outcomes().size(); i++) {
            ToolOutcome outcome = turn.outcomes().get(i);
            String id = "call_%d_%d".formatted(index, i);
            var call = new LinkedHashMap<String, Object>();
            call.put("type", "function_call");
            call.put("id", "fc_" + id);
            call.put("call_id", id);
            call.put("name", outcome.call().name());
            call.put("arguments", Json.write(outcome.call().arguments()));
            call.put("status", "completed");
            output.add(call);
            var result = new LinkedHashMap<String, Object>();
            result.put("type", "function_call_output");
            result.put("call_id", id);
            result.put("output", outcome.text());
            output.add(result);
        }
    }

    private static Map<String, Object> message(String id, Message message) {
        var text = new LinkedHashMap<String, Object>();
        text.put("type", "output_text");
        text.put("text", message.content());
        text.put("annotations", List.of());
        var item = new LinkedHashMap<String, Object>();
        item.put("type", "message");
        item.put("id", id);
        item.put("role", "assistant");
        item.put("status", "completed");
        item.put("content", List.of(text));
        return item;
    }
}
