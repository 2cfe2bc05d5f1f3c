package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.serve.HttpDoor;
import org.attune.serve.ModelServer;
import org.attune.serve.ServeConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// A server of the embedded model that trains adapters, and a client's requests to it.
abstract class TinkerServer {
    static final Path MODEL =
            Path.of(System.getProperty("attune.root", ".."), "examples", "model").toAbsolutePath();
    static final String KEY = "tml-test";
    static final String ROWS =
            """
            {"data":[{"model_input":{"chunks":[{"type":"encoded_text","tokens":[83,111]},{"type":"encoded_text","tokens":[114]}]},
            "loss_fn_inputs":{"target_tokens":{"data":[111,114,116],"dtype":"int64","shape":[3]},
            "weights":{"data":[0,0.5,1],"dtype":"float32","shape":[3]}}}],"loss_fn":"cross_entropy"}\
            """;

    @TempDir Path folder;
    final HttpClient client = HttpClient.newHttpClient();
    ModelServer server;
    String session;

    @BeforeEach
    void open() throws Exception {
        open(3, Duration.ofMinutes(10));
    }

    void open(int adapters, Duration idle) throws Exception {
        ModelConfig model = ModelConfig.of(MODEL.toString()).withDtype(DtypeChoice.FLOAT32);
        server =
                HttpDoor.open(
                        ServeConfig.of(model).withPort(0).withKeys(List.of(KEY)),
                        served ->
                                TinkerDesk.open(
                                        served,
                                        folder.resolve("kept"),
                                        new TinkerDesk.Limits(adapters, idle)));
        session = session();
    }

    @AfterEach
    void close() {
        server.close();
        client.close();
    }

    String session() throws Exception {
        return ask("create_session", "{\"tags\":[],\"user_metadata\":{},\"sdk_version\":\"0\"}")
                .path("session_id")
                .asText();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(server.url().resolve("/api/v1/" + path))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .header("X-API-Key", KEY);
    }

    HttpResponse<String> post(String path, String body) throws Exception {
        return client.send(
                request(path).POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString());
    }

    JsonNode ask(String path, String body) throws Exception {
        HttpResponse<String> response = post(path, body);
        assertEquals(200, response.statusCode(), path + ": " + response.body());
        return Json.tree(response.body());
    }

    JsonNode fetch(JsonNode promise) throws Exception {
        return ask("retrieve_future", "{\"request_id\":%s}".formatted(promise.path("request_id")));
    }

    String refused(int status, String path, String body) throws Exception {
        HttpResponse<String> response = post(path, body);
        assertEquals(status, response.statusCode(), response.body());
        return Json.tree(response.body()).path("error").path("message").asText();
    }

    JsonNode promiseModel(int number, int rank) throws Exception {
        return ask(
                "create_model",
                """
                {"session_id":"%s","model_seq_id":%d,"base_model":"model","optimizer_config":{"type":"adamw"},
                "lora_config":{"rank":%d,"seed":1,"train_unembed":true,"train_mlp":true,"train_attn":true}}\
                """
                        .formatted(session, number, rank));
    }

    String model(int number, int rank) throws Exception {
        return fetch(promiseModel(number, rank)).path("model_id").asText();
    }

    JsonNode learn(String model, int seq) throws Exception {
        return ask("forward_backward", learning(model, seq, ROWS));
    }

    static String learning(String model, int seq, String rows) {
        return "{\"model_id\":\"%s\",\"seq_id\":%d,\"forward_backward_input\":%s}"
                .formatted(model, seq, rows);
    }

    JsonNode step(String model, int seq) throws Exception {
        return ask(
                "optim_step",
                "{\"model_id\":\"%s\",\"seq_id\":%d,\"adam_params\":{\"learning_rate\":0.01}}"
                        .formatted(model, seq));
    }

    static double loss(JsonNode output) {
        return output.path("metrics").path("loss:sum").asDouble();
    }

    JsonNode sample(String sampler, int seq) throws Exception {
        return fetch(
                ask(
                        "asample",
                        """
                        {"sampling_session_id":"%s","seq_id":%d,"num_samples":2,"prompt_logprobs":true,"topk_prompt_logprobs":2,
                        "prompt":{"chunks":[{"type":"encoded_text","tokens":[83,111,114]}]},"topk_sample_logprobs":3,
                        "sampling_params":{"max_tokens":5,"temperature":0.0,"top_k":-1,"top_p":1.0,"stop":[]}}\
                        """
                                .formatted(sampler, seq)));
    }

    String sampler(String model, int seq, int number) throws Exception {
        return fetch(
                        ask(
                                "save_weights_for_sampler",
                                "{\"model_id\":\"%s\",\"seq_id\":%d,\"sampling_session_seq_id\":%d}"
                                        .formatted(model, seq, number)))
                .path("sampling_session_id")
                .asText();
    }
}
