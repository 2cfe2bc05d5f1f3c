package org.attune.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// A server on this machine that loads adapters while it runs and answers as vLLM does, errors too.
/// It writes the tokens that a [Writer] says.
public final class LoraServer implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String base;
    private final Writer writer;
    private final int maxRank;
    private final Map<String, Path> loaded = new ConcurrentHashMap<>();
    private final List<String> said = Collections.synchronizedList(new ArrayList<>());
    private final List<JsonNode> completions = Collections.synchronizedList(new ArrayList<>());
    private ExecutorService threads;
    private HttpServer server;

    /// What it writes.
    @FunctionalInterface
    public interface Writer {
        /// The tokens of a completion, each of log-probability -0.5.
        ///
        /// @param adapter folder of the adapter that is asked
        /// @param request as it came
        int[] write(Path adapter, JsonNode request);
    }

    /// @param base name of the model that it has from the start
    /// @param maxRank of adapters, vLLM's `--max-lora-rank`
    public LoraServer(String base, int maxRank, Writer writer) throws IOException {
        this.base = base;
        this.maxRank = maxRank;
        this.writer = writer;
        start(0);
    }

    private void start(int port) throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        server = HttpServer.create(address, 0);
        threads = Executors.newVirtualThreadPerTaskExecutor();
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /// Up to `/v1`.
    public String url() {
        return "http://localhost:%d/v1".formatted(server.getAddress().getPort());
    }

    /// Names of the adapters that it knows.
    public List<String> adapters() {
        return loaded.keySet().stream().sorted().toList();
    }

    /// What it was asked beside completions, as `load NAME`.
    public List<String> said() {
        return List.copyOf(said);
    }

    /// Requests for completions that it fulfilled.
    public List<JsonNode> completions() {
        return List.copyOf(completions);
    }

    /// The process is ended: nobody answers at its port.
    public void end() {
        server.stop(0);
        threads.shutdownNow();
    }

    /// It is started anew at the same port, without adapters.
    public void restart() throws IOException {
        int port = server.getAddress().getPort();
        end();
        loaded.clear();
        start(port);
    }

    private record Reply(int status, String body) {}

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] sent = exchange.getRequestBody().readAllBytes();
            Reply reply;
            try {
                reply = reply(exchange.getRequestURI().getPath(), sent);
            } catch (IOException e) {
                reply = error(400, "BadRequestError", "" + e.getMessage());
            }
            byte[] body = reply.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(reply.status(), body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private Reply reply(String path, byte[] sent) throws IOException {
        return switch (path) {
            case "/v1/models" -> new Reply(200, "{\"object\": \"list\", \"data\": []}");
            case "/v1/load_lora_adapter" -> load(JSON.readTree(sent));
            case "/v1/unload_lora_adapter" -> unload(JSON.readTree(sent));
            case "/v1/completions" -> complete(JSON.readTree(sent));
            default -> new Reply(404, "{\"detail\":\"Not Found\"}");
        };
    }

    private static Reply error(int status, String type, String message) {
        ObjectNode all = JSON.createObjectNode();
        all.putObject("error")
                .put("message", message)
                .put("type", type)
                .putNull("param")
                .put("code", status);
        return new Reply(status, all.toString());
    }

    private Reply load(JsonNode request) throws IOException {
        String name = request.path("lora_name").asText("");
        String folder = request.path("lora_path").asText("");
        if (name.isEmpty() || folder.isEmpty()) {
            return error(
                    400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.");
        }
        if (loaded.containsKey(name)) {
            return error(
                    400,
                    "InvalidUserInput",
                    "The lora adapter '%s' has already been loaded.".formatted(name));
        }
        Path config = Path.of(folder, "adapter_config.json");
        if (!Files.exists(config) || !Files.exists(Path.of(folder, "adapter_model.safetensors"))) {
            return error(404, "NotFoundError", "No adapter found for " + folder);
        }
        int rank = JSON.readTree(config.toFile()).path("r").asInt();
        if (rank > maxRank) {
            return error(
                    400,
                    "BadRequestError",
                    "LoRA rank %d is greater than max_lora_rank %d.".formatted(rank, maxRank));
        }
        loaded.put(name, Path.of(folder));
        said.add("load " + name);
        return new Reply(200, "Success: LoRA adapter '%s' added successfully.".formatted(name));
    }

    private Reply unload(JsonNode request) {
        String name = request.path("lora_name").asText("");
        if (loaded.remove(name) == null) {
            return error(
                    404, "NotFoundError", "The lora adapter '%s' cannot be found.".formatted(name));
        }
        said.add("unload " + name);
        return new Reply(200, "Success: LoRA adapter '%s' removed successfully.".formatted(name));
    }

    private Reply complete(JsonNode request) {
        String name = request.path("model").asText();
        Path adapter = loaded.get(name);
        if (adapter == null && !name.equals(base)) {
            return error(404, "NotFoundError", "The model `%s` does not exist.".formatted(name));
        }
        int[] tokens = writer.write(adapter, request);
        completions.add(request);
        ObjectNode answer = JSON.createObjectNode();
        answer.put("object", "text_completion").put("model", name);
        ObjectNode choice = answer.putArray("choices").addObject();
        choice.put("index", 0).put("text", "").put("finish_reason", "length");
        choice.set("prompt_token_ids", request.get("prompt"));
        ArrayNode ids = choice.putArray("token_ids");
        ArrayNode values = choice.putObject("logprobs").putArray("token_logprobs");
        for (int token : tokens) {
            ids.add(token);
            values.add(-0.5);
        }
        return new Reply(200, answer.toString());
    }

    @Override
    public void close() {
        end();
    }
}
