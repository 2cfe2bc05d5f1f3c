package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.feedback.FeedbackStore;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;

/// A server that is killed while it answers and is told what users think.
@Tag("thorough")
class KilledServerTest {
    private static final int ENOUGH = 40;

    @TempDir private Path folder;
    private final ConcurrentLinkedQueue<String> answered = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<String> acknowledged = new ConcurrentLinkedQueue<>();

    @Test
    @Timeout(120)
    void nothingIsLostThatWasAcknowledged() throws Exception {
        String store = folder.resolve("feedback.db").toString();
        Process process = server(store);
        try (var lines = process.inputReader();
                var client = HttpClient.newHttpClient();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            URI url = URI.create(lines.readLine());
            for (int i = 0; i < 4; i++) {
                String user = "user" + i;
                var _ = threads.submit(() -> ask(client, url, user, process));
            }
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertTrue(acknowledged.size() >= ENOUGH, "only " + acknowledged.size());
        try (var opened = FeedbackStore.open(store)) {
            Set<String> judged = new HashSet<>();
            opened.judged(Optional.empty()).forEach(j -> judged.add(j.answer().id()));
            assertTrue(judged.containsAll(acknowledged), "lost of " + acknowledged.size());
            for (String id : answered) {
                assertTrue(opened.judge(Judgement.of(id, new Thumb(false))), id + " isn't kept");
            }
        }
        System.out.printf(
                "%d answers and %d judgements were there after a kill%n",
                answered.size(), acknowledged.size());
    }

    private static Process server(String store) throws IOException {
        return new ProcessBuilder(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "--enable-native-access=ALL-UNNAMED",
                                "--add-modules=jdk.incubator.vector",
                                "-cp",
                                System.getProperty("java.class.path"),
                                ServesUntilKilled.class.getName(),
                                AskedServer.MODEL.toString(),
                                store))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /// Asks and judges until the server is gone, and kills it when enough was acknowledged.
    private Void ask(HttpClient client, URI url, String user, Process process)
            throws InterruptedException {
        String question =
                "{%s,\"max_tokens\":4,\"user\":\"%s\"}".formatted(AskedServer.QUESTION, user);
        try {
            while (true) {
                String id =
                        AskedServer.tree(post(client, url, "/v1/chat/completions", question))
                                .get("id")
                                .asText();
                answered.add(id);
                post(client, url, "/v1/feedback", "{\"id\":\"%s\",\"label\":\"up\"}".formatted(id));
                acknowledged.add(id);
                if (acknowledged.size() >= ENOUGH) {
                    process.toHandle().destroyForcibly(); // SIGKILL
                }
            }
        } catch (IOException e) {
            return null; // it is gone
        }
    }

    private static String post(HttpClient client, URI url, String path, String body)
            throws IOException, InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(url.resolve(path))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build();
        HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
        assertEquals(200, response.statusCode(), response.body());
        return response.body();
    }
}
