package org.attune.serve;

import org.attune.json.Json;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How answers are written on the wire. Of one request, and one thread.
interface AnswerForm {
    /// The id of the response, by which answers are judged.
    String id();

    /// The answers as whole messages in OpenAI's form, once they are complete.
    List<Map<String, Object>> messages();

    /// Whether the answers are sent as events.
    boolean isStream();

    /// Reads what happened.
    ///
    /// @return what is sent now: events, or nothing
    String take(AnswerEvent event);

    /// The end of what is sent; all of it where there are no events.
    String end();

    /// An event as a server sends it.
    static String event(Object value) {
        return "data: " + Json.write(value) + "\n\n";
    }

    /// The head of an answer or of a piece of one.
    static Map<String, Object> head(String id, String object, long created, String model) {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("id", id);
        head.put("object", object);
        head.put("created", created);
        head.put("model", model);
        return head;
    }

    /// The tokens that were read and written.
    static Map<String, Object> usage(long prompt, long answer) {
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("prompt_tokens", prompt);
        usage.put("completion_tokens", answer);
        usage.put("total_tokens", prompt + answer);
        return usage;
    }

    /// `values` as a list of whole numbers in JSON.
    static List<Long> ids(int[] values) {
        return java.util.Arrays.stream(values).asLongStream().boxed().toList();
    }
}
