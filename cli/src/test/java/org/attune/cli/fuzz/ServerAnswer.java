package org.attune.cli.fuzz;

import org.attune.error.AttuneException;
import org.attune.error.RolloutException;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.source.ServerRollouts;
import org.attune.rollout.source.ServerRollouts.Connection;
import org.attune.text.TextAssets;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Answers of a rollout server, from the status line on. A server on this machine gives each of
/// them to the client that training has, and closes the connection.
final class ServerAnswer {
    private static final String FILE = "answer.http";
    private static final Pattern WAIT = Pattern.compile("(?i)retry-after:\\s*0*[1-9]");
    private static final List<String> BODIES =
            List.of(
                    """
                    {"choices": [{"text": "ab", "token_ids": [1, 2], "finish_reason": "stop", "logprobs": {"token_logprobs": [-0.5, null], "tokens": ["a", "b"]}}]}\
                    """,
                    """
                    {"choices": [{"text": "ab", "finish_reason": "length", "logprobs": {"content": [{"id": 1, "logprob": -0.5}, {"id": 2, "logprob": -1e999}]}}]}\
                    """,
                    """
                    {"choices": [{"text": "ab", "finish_reason": "stop", "logprobs": {"token_logprobs": [-0.5], "tokens": ["token_id:1"]}}]}\
                    """,
                    """
                    {"choices": [{"text": "é a 😀", "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}\
                    """,
                    """
                    {"error": {"message": "no", "code": 429}}\
                    """);

    private ServerAnswer() {}

    static List<Sample> samples() {
        var samples = new ArrayList<Sample>();
        Sample tokenizer = TokenizerSamples.all().getFirst();
        for (String body : BODIES) {
            int length = body.getBytes(StandardCharsets.UTF_8).length;
            String status = body.contains("error") ? "429 Too Many Requests" : "200 OK";
            for (String framing :
                    List.of(
                            "Content-Length: " + length + "\r\n\r\n" + body,
                            "Retry-After: 0\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                                    .formatted(length, body),
                            "\r\n" + body)) {
                Sample sample =
                        Sample.of(
                                FILE,
                                "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s"
                                        .formatted(status, framing));
                for (var file : tokenizer.files().entrySet()) {
                    sample = sample.with(file.getKey(), file.getValue());
                }
                samples.add(sample);
            }
        }
        return samples;
    }

    static void read(Path folder) throws IOException {
        if (!Files.exists(folder.resolve(FILE))) {
            return; // a mutant without it
        }
        byte[] answer = Files.readAllBytes(folder.resolve(FILE));
        if (WAIT.matcher(new String(answer, StandardCharsets.ISO_8859_1)).find()) {
            return; // it asks to wait, and the client does so
        }
        try (var server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
                var assets = TextAssets.load(folder)) {
            Thread.ofVirtual().start(() -> serve(server, answer));
            var connection =
                    new Connection(
                            "http://localhost:" + server.getLocalPort() + "/v1",
                            "model",
                            Duration.ofSeconds(5),
                            1,
                            Optional.empty(),
                            Duration.ofMillis(1));
            var rollouts =
                    new ServerRollouts(
                            connection, SamplingConfig.greedy(8, Set.of(2)), assets.tokenizer());
            try {
                rollouts.complete(List.of(RolloutPrompt.of(0, new int[] {1, 2})), 0, (_, _) -> {});
            } catch (RolloutException e) {
                requireOwn(e);
            }
        }
    }

    /// A fault of the reader's own is told as one of the server's.
    private static void requireOwn(RolloutException failure) {
        if (failure.getCause() instanceof RuntimeException cause
                && !(cause instanceof AttuneException)) {
            throw cause;
        }
        throw failure;
    }

    private static void serve(ServerSocket server, byte[] answer) {
        while (!server.isClosed()) {
            try (Socket client = server.accept()) {
                client.setSoTimeout(1000);
                client.getInputStream().read(new byte[1 << 16]);
                client.getOutputStream().write(answer);
                client.getOutputStream().flush();
                client.shutdownOutput();
            } catch (IOException e) {
                // the client closed the connection, or all is done
            }
        }
    }
}
