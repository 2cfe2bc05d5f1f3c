package org.attune.agents.loop;

import org.attune.json.Json;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// An agent's program that does what its row says: `ask` so often, with `history` as it was or
/// `rewritten`, and then `end`.
public final class ToyAgent {
    private ToyAgent() {}

    /// @param args none
    public static void main(String[] args) throws Exception {
        String line = new String(System.in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        Map<?, ?> row = (Map<?, ?>) Json.parse(line.strip());
        List<Object> messages = new ArrayList<>();
        messages.add(Map.of("role", "user", "content", "begin"));
        for (long i = 0; i < (Long) row.get("ask"); i++) {
            Map<?, ?> message = ask(messages);
            boolean isRewritten = "rewritten".equals(row.get("history"));
            messages.add(isRewritten ? Map.of("role", "assistant", "content", "…") : message);
            if (message.get("tool_calls") instanceof List<?> calls) {
                Object id = ((Map<?, ?>) calls.getFirst()).get("id");
                messages.add(Map.of("role", "tool", "tool_call_id", id, "content", "result " + i));
            } else {
                messages.add(Map.of("role", "user", "content", "more " + i));
            }
        }
        String end = String.valueOf(row.get("end"));
        if (end.equals("hang")) {
            Thread.sleep(600_000);
        }
        if (end.equals("fail")) {
            throw new IOException("the shop is closed");
        }
        System.out.println("some words");
        System.out.println(end);
    }

    private static Map<?, ?> ask(List<Object> messages) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response =
                    client.send(
                            HttpRequest.newBuilder(
                                            URI.create(
                                                    System.getenv("OPENAI_BASE_URL")
                                                            + "/chat/completions"))
                                    .header(
                                            "Authorization",
                                            "Bearer " + System.getenv("OPENAI_API_KEY"))
                                    .POST(
                                            HttpRequest.BodyPublishers.ofString(
                                                    Json.write(Map.of("messages", messages))))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new IOException(response.body());
            }
            Map<?, ?> reply = (Map<?, ?>) Json.parse(response.body());
            return (Map<?, ?>)
                    ((Map<?, ?>) ((List<?>) reply.get("choices")).getFirst()).get("message");
        }
    }
}
