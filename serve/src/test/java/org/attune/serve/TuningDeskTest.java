package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;

/// Jobs whose runs are a script: it says how it was called, leaves a checkpoint, waits for a file,
/// and leaves an adapter.
@DisabledOnOs(OS.WINDOWS)
class TuningDeskTest {
    private static final String ROW =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"Sort: 2 1\"},"
                    + "{\"role\":\"assistant\",\"content\":\"1 2\"}]}\n";
    private static final String PAIR =
            "{\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\"Sort: 2 1\"}]},"
                    + "\"preferred_output\":[{\"role\":\"assistant\",\"content\":\"1 2\"}],"
                    + "\"non_preferred_output\":[{\"role\":\"assistant\",\"content\":\"2 1\"}]}\n";

    private static final String TRAINER =
            """
            echo "$1 $3" >> "%1$s/calls"
            out=$(dirname "$2")/out
            mkdir -p "$out/checkpoint-1"
            echo '{"step":1,"loss":0.5,"mean_token_accuracy":0.75,"num_tokens":64}' > "$out/metrics.jsonl"
            trap 'exit 130' TERM
            while [ ! -e "%1$s/go" ]; do sleep 0.05; done
            if [ -e "%1$s/fail" ]; then echo "rows are wrong"; exit 2; fi
            cp -r "%1$s/adapter/." "$out"
            """;

    @TempDir Path folder;

    @BeforeEach
    void write() throws IOException {
        RandomModels.adapter(folder.resolve("adapter"), 1);
        Files.writeString(folder.resolve("train.sh"), TRAINER.formatted(folder));
    }

    private AskedServer open() {
        ModelConfig model =
                ModelConfig.of(AskedServer.MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
        return new AskedServer(
                ModelServer.openToTrain(
                        ServeConfig.of(model).withPort(0).withName("base"),
                        folder.resolve("tuned"),
                        (method, file) ->
                                List.of(
                                        "sh",
                                        folder.resolve("train.sh").toString(),
                                        method,
                                        file.toString())));
    }

    private static HttpResponse<String> upload(AskedServer server, String purpose, String rows) {
        String form =
                "--xy\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n%s\r\n--xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"rows.jsonl\"\r\n\r\n%s\r\n--xy--\r\n"
                        .formatted(purpose, rows);
        return server.send(
                HttpRequest.newBuilder(server.url("/v1/files"))
                        .header("Content-Type", "multipart/form-data; boundary=xy")
                        .POST(BodyPublishers.ofString(form))
                        .build());
    }

    private static String file(AskedServer server, String rows) {
        return AskedServer.tree(upload(server, "fine-tune", rows).body()).path("id").asText();
    }

    private static JsonNode start(AskedServer server, String rows, String more) {
        return server.ask(
                "/v1/fine_tuning/jobs",
                "{\"model\":\"base\",\"training_file\":\"%s\"%s}"
                        .formatted(file(server, rows), more));
    }

    private static JsonNode job(AskedServer server, String id) {
        return AskedServer.tree(server.get("/v1/fine_tuning/jobs/" + id).body());
    }

    private static JsonNode await(AskedServer server, String id, Predicate<JsonNode> until)
            throws InterruptedException {
        JsonNode seen = job(server, id);
        for (int i = 0; i < 600 && !until.test(seen); i++) {
            Thread.sleep(25);
            seen = job(server, id);
        }
        assertTrue(until.test(seen), seen.toString());
        return seen;
    }

    private static JsonNode await(AskedServer server, String id, String status)
            throws InterruptedException {
        return await(server, id, job -> job.path("status").asText().equals(status));
    }

    private void letGo() throws IOException {
        Files.writeString(folder.resolve("go"), "");
    }

    private List<String> calls(int count) throws IOException, InterruptedException {
        Path file = folder.resolve("calls");
        for (int i = 0; i < 400; i++) {
            if (Files.exists(file) && Files.readAllLines(file).size() >= count) {
                break;
            }
            Thread.sleep(25);
        }
        return Files.readAllLines(file).stream().map(String::strip).toList();
    }

    private void change(AskedServer server, String id, String what, int status) {
        assertEquals(
                status,
                server.post("/v1/fine_tuning/jobs/%s/%s".formatted(id, what), "").statusCode());
    }

    @Test
    void aResultIsServedAlsoByTheNextServer() throws Exception {
        String tuned;
        String answer;
        try (var server = open()) {
            JsonNode job = start(server, ROW.repeat(3), ",\"suffix\":\"sort\",\"seed\":7");
            String id = job.path("id").asText();
            assertEquals("running", job.path("status").asText());
            assertEquals(3, job.at("/hyperparameters/n_epochs").asInt());
            Path run = folder.resolve("tuned/jobs").resolve(id);
            JsonNode keys = AskedServer.tree(Files.readString(run.resolve("run.yaml")));
            assertEquals(7, keys.path("seed").asInt());
            assertEquals(2e-4, keys.path("learning_rate").asDouble());
            assertEquals(3, Files.readAllLines(run.resolve("train.jsonl")).size());
            letGo();
            JsonNode ended = await(server, id, "succeeded");
            tuned = ended.path("fine_tuned_model").asText();
            assertTrue(tuned.startsWith("ft:base:sort:"), tuned);
            assertEquals(64, ended.path("trained_tokens").asInt());
            String table = ended.at("/result_files/0").asText();
            assertEquals(
                    "step,train_loss,train_accuracy,valid_loss\n1,0.5,0.75,\n",
                    server.get("/v1/files/%s/content".formatted(table)).body());
            JsonNode events =
                    AskedServer.tree(server.get("/v1/fine_tuning/jobs/" + id + "/events").body());
            assertEquals(4, events.path("data").size(), events.toString());
            assertEquals("metrics", events.at("/data/1/type").asText());
            JsonNode checkpoints =
                    AskedServer.tree(
                            server.get("/v1/fine_tuning/jobs/" + id + "/checkpoints").body());
            assertEquals(0.5, checkpoints.at("/data/0/metrics/train_loss").asDouble());
            answer = text(server, tuned);
            assertNotEquals(text(server, "base"), answer);
        }
        try (var server = open()) {
            assertEquals(answer, text(server, tuned));
            assertEquals(
                    1,
                    AskedServer.tree(server.get("/v1/fine_tuning/jobs").body())
                            .path("data")
                            .size());
        }
        assertEquals(List.of("sft"), calls(1));
    }

    private static String text(AskedServer server, String model) {
        return server.chat(",\"model\":\"" + model + "\",\"temperature\":0,\"max_tokens\":8")
                .at("/choices/0/message/content")
                .asText();
    }

    @Test
    void oneWorksAtATimeAndWhatIsStoppedGoesOn() throws Exception {
        String first;
        String second;
        try (var server = open()) {
            first = start(server, ROW, "").path("id").asText();
            second = start(server, PAIR, ",\"method\":{\"type\":\"dpo\"}").path("id").asText();
            String third = start(server, ROW, "").path("id").asText();
            assertEquals("queued", job(server, second).path("status").asText());
            change(server, third, "cancel", 200);
            change(server, third, "resume", 400);
            calls(1);
            change(server, first, "pause", 200);
            await(server, second, "running");
            change(server, first, "resume", 200);
            assertEquals("queued", job(server, first).path("status").asText());
            calls(2);
            assertEquals("cancelled", job(server, third).path("status").asText());
        }
        letGo();
        try (var server = open()) { // in which both go on
            await(server, first, "succeeded");
            await(server, second, "succeeded");
        }
        List<String> calls = calls(4);
        assertEquals(List.of("sft", "dpo"), calls.subList(0, 2));
        assertEquals(
                List.of("dpo resume=true", "sft resume=true"),
                calls.subList(2, 4).stream().sorted().toList());
    }

    @Test
    void whatFailsSaysWhy() throws Exception {
        Files.writeString(folder.resolve("fail"), "");
        letGo();
        try (var server = open()) {
            String id = start(server, ROW, "").path("id").asText();
            JsonNode failed = await(server, id, "failed");
            assertEquals("rows are wrong", failed.at("/error/message").asText());
            assertEquals(400, upload(server, "assistants", ROW).statusCode());
            assertEquals(
                    400,
                    server.post(
                                    "/v1/fine_tuning/jobs",
                                    "{\"model\":\"base\",\"training_file\":\"x\"}")
                            .statusCode());
            String pairs = file(server, ROW + PAIR);
            HttpResponse<String> wrong =
                    server.post(
                            "/v1/fine_tuning/jobs",
                            "{\"model\":\"base\",\"training_file\":\"%s\"}".formatted(pairs));
            assertEquals(400, wrong.statusCode());
            assertTrue(wrong.body().contains("line 2 isn't"), wrong.body());
            assertEquals(404, server.get("/v1/files/file-../../go").statusCode());
            assertEquals(404, server.get("/v1/fine_tuning/jobs/none").statusCode());
        }
        try (var server = new AskedServer(c -> c)) {
            assertEquals(404, server.get("/v1/fine_tuning/jobs").statusCode());
        }
    }
}
