package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A run that holds secrets in every place that may have one, once with servers that answer, once
/// with servers that quote what they got: no secret is in anything that it writes, says or hands
/// on.
@Tag("thorough")
class SecretRunTest {
    /// How all secrets begin.
    private static final String CANARY = "canary-";

    private static final String REWARD =
            """
            env > environment.txt
            cat /proc/$PPID/task/*/children | tr ' ' '\\n' | while read -r pid; do
              tr '\\0' '\\n' < /proc/$pid/cmdline; done > arguments.txt
            while read -r line; do
              echo '{"rewards": [0, 1, 0, 1]}'
            done
            """;

    @TempDir private Path folder;
    private HttpServer server;
    private final Queue<String> keys = new ConcurrentLinkedQueue<>();
    private volatile boolean quotes;

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String key = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
        String query = String.valueOf(exchange.getRequestURI().getRawQuery());
        keys.add(key + " " + query);
        exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath();
        String body =
                path.startsWith("/tools")
                        ? "{\"tools\": [{\"name\": \"%s\", \"description\": \"d\", \"parameters\": {\"type\": \"object\"}}]}"
                                .formatted(path.substring(7))
                        : path.startsWith("/v1")
                                ? "{\"choices\": [{\"message\": {\"content\": \"Score: 3\"}}]}"
                                : "{}";
        if (quotes || path.contains("mlflow")) {
            String plain = key.replaceFirst("^(Basic|Bearer) ", "");
            body = "wrong: %s, %s, %s".formatted(key, plain, query);
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(body.startsWith("wrong") ? 403 : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private void write() throws IOException {
        Files.createDirectories(folder.resolve("work"));
        var rows = new StringBuilder();
        for (int i = 0; i < 8; i++) {
            rows.append("{\"prompt\": \"Sort ascending: %d 1\", \"answer\": \"1\"}%n".formatted(i));
        }
        Files.writeString(folder.resolve("rows.jsonl"), rows);
        Files.writeString(folder.resolve("work/reward.sh"), REWARD);
        String host = "127.0.0.1:" + server.getAddress().getPort();
        Files.writeString(
                folder.resolve("run.yaml"),
                """
                model_name_or_path: %3$s
                datasets: rows.jsonl
                apply_chat_template: true
                dtype: float32
                max_steps: 2
                per_device_train_batch_size: 2
                gradient_accumulation_steps: 2
                num_generations: 2
                max_completion_length: 4
                save_steps: 1
                save_strategy: steps
                logging_steps: 1
                log_completions: true
                push_to_hub: false
                hub_token: canary-hub-file
                report_to: [tensorboard, wandb, mlflow, trackio]
                record_rollouts: work/rollouts.jsonl
                tool_protocol: line
                tools:
                  - {url: "%1$stool:canary-user@%2$s/tools/look?api_key=canary-query"}
                  - {url: "%1$s%2$s/tools/see", api_key: canary-key}
                reward_funcs:
                  - exact_answer
                  - {command: [sh, work/reward.sh], env: {SHOWN: seen}}
                  - judge:
                      base_url: %1$sjudge:canary-judge@%2$s/v1
                      model: m
                      cache: off
                  - judge:
                      base_url: %1$s%2$s/v1
                      model: m
                      cache: off
                      api_key_env: JUDGE_KEY
                env:
                  MLFLOW_TRACKING_URI: %1$sflow:canary-flow@%2$s/mlflow
                  MLFLOW_TRACKING_PASSWORD: canary-mlflow
                  TRACKIO_WRITE_TOKEN: canary-trackio
                  TRACKIO_DIR: work/trackio
                """
                        .formatted("http:" + "//", host, MethodRows.MODEL));
    }

    private static Map<String, String> environment() {
        return Map.of(
                "HF_TOKEN", "canary-hf",
                "HUGGING_FACE_HUB_TOKEN", "canary-hugging",
                "ROLLOUT_SERVER_API_KEY", "canary-rollout",
                "WANDB_API_KEY", "canary-wandb",
                "JUDGE_KEY", "canary-env-judge");
    }

    private String attune(int expected, String... words) throws Exception {
        var command = new ArrayList<>(ShortProgram.java());
        command.addAll(
                List.of(
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "grpo",
                        folder.resolve("run.yaml").toString(),
                        "--verbose",
                        "--stacktrace"));
        command.addAll(List.of(words));
        Path said = folder.resolve("work/said.txt");
        var builder =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(said.toFile());
        builder.environment().putAll(environment());
        Process process = builder.start();
        try {
            assertTrue(process.waitFor(5, TimeUnit.MINUTES), "doesn't end");
        } finally {
            process.destroyForcibly();
        }
        assertEquals(expected, process.exitValue(), Files.readString(said));
        return Files.readString(said);
    }

    private void assertNoCanary() throws IOException {
        String encoded =
                Base64.getEncoder()
                        .encodeToString("tool:canary-user".getBytes(StandardCharsets.UTF_8));
        try (Stream<Path> files = Files.walk(folder.resolve("work"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                int at = bytes.indexOf(CANARY);
                assertTrue(at < 0, () -> file + ": " + around(bytes, at));
                assertFalse(bytes.contains(encoded), file.toString());
            }
        }
    }

    private static String around(String text, int at) {
        return text.substring(Math.max(0, at - 200), Math.min(text.length(), at + 50));
    }

    @Test
    void nothingThatIsWrittenSaidOrHandedOnHoldsASecret() throws Exception {
        write();
        String said =
                attune(
                        0,
                        "output_dir=work/out",
                        "hub_token=canary-hub",
                        "chat_template_kwargs={api_key: canary-nested}");
        assertNoCanary();
        assertTrue(Files.exists(folder.resolve("work/out/report.html")), said);
        String all = String.join("\n", keys);
        for (String arrived :
                List.of("Bearer canary-env-judge", "Bearer canary-key", "canary-query", "Basic ")) {
            assertTrue(all.contains(arrived), arrived + " did not arrive:\n" + all);
        }
        String environment = Files.readString(folder.resolve("environment.txt"));
        assertTrue(environment.contains("SHOWN=seen"), environment);
        for (String own : List.of("-hf", "-hugging", "-rollout", "-wandb")) {
            assertFalse(environment.contains(CANARY + own.substring(1)), environment);
        }
        String arguments = Files.readString(folder.resolve("arguments.txt"));
        assertTrue(arguments.contains("work/reward.sh"), arguments);
        assertFalse(arguments.contains(CANARY), arguments);
        assertTrue(said.contains("runs a program"), said);
    }

    @Test
    void neitherDoErrorsOfServersThatQuoteIt() throws Exception {
        quotes = true;
        write();
        attune(2, "output_dir=work/out", "hub_token=canary-hub");
        assertNoCanary();
        String said = attune(1, "output_dir=work/out", "tools=null", "max_steps=1");
        assertTrue(said.contains("***"), said);
        assertNoCanary();
    }
}
