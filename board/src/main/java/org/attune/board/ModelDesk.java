package org.attune.board;

import org.attune.http.ExchangeReply;
import org.attune.http.HttpAsk;
import org.attune.json.Json;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.serve.ModelServer;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeoutException;

/// Hands requests of pages on to a model server: the one that the board was told, or one that it
/// opened itself. A page can't ask another address, so the board asks for it.
final class ModelDesk implements AutoCloseable {
    private static final Duration QUICK = Duration.ofSeconds(30);
    private static final Duration LONG = Duration.ofMinutes(15);
    private static final long LARGEST = 16 << 20;

    private final Optional<ModelServer> own;
    private final Optional<URI> base;
    private final Optional<String> key;
    private final RunIndex index;

    private ModelDesk(
            Optional<ModelServer> own, Optional<URI> base, Optional<String> key, RunIndex index) {
        this.own = own;
        this.base = base;
        this.key = key;
        this.index = index;
    }

    static ModelDesk open(BoardConfig config, RunIndex index) {
        if (config.model().isEmpty()) {
            return new ModelDesk(Optional.empty(), config.server(), config.serverKey(), index);
        }
        String key = UUID.randomUUID().toString();
        ModelServer server =
                ModelServer.open(
                        config.model()
                                .get()
                                .withHost("127.0.0.1")
                                .withPort(0)
                                .withKeys(List.of(key)));
        return new ModelDesk(
                Optional.of(server), Optional.of(server.url()), Optional.of(key), index);
    }

    /// `GET /api/models`
    void models(Call call) throws ApiException, IOException, InterruptedException {
        pass(call, ask("GET", "/models", Optional.empty(), QUICK), "application/json");
    }

    /// `GET /api/serve/metrics`
    void metrics(Call call) throws ApiException, IOException, InterruptedException {
        pass(call, ask("GET", "/../metrics", Optional.empty(), QUICK), "text/plain");
    }

    /// `POST /api/chat`: a request as the server takes it; the answer is its stream.
    void chat(Call call) throws ApiException, IOException, InterruptedException {
        Map<String, Object> body = new LinkedHashMap<>(call.body().all());
        body.put("stream", true);
        HttpAsk ask = ask("POST", "/chat/completions", Optional.of(Json.write(body)), LONG);
        ExchangeReply reply = call.reply(true);
        Optional<ApiException> refused =
                send(ask, (status, header, in) -> stream(status, header, in, reply));
        if (refused.isPresent()) {
            throw refused.get();
        }
    }

    /// @return why the server refused; empty if it answered
    private static Optional<ApiException> stream(
            int status,
            java.util.function.Function<String, Optional<String>> header,
            InputStream in,
            ExchangeReply reply)
            throws IOException {
        if (status != 200) {
            return Optional.of(refused(status, HttpAsk.text(in, header, LARGEST)));
        }
        var line =
                new java.io.BufferedReader(
                        new java.io.InputStreamReader(in, java.nio.charset.StandardCharsets.UTF_8));
        for (String text = line.readLine(); text != null; text = line.readLine()) {
            reply.write(text + "\n");
        }
        return Optional.empty();
    }

    /// `POST /api/chat/adapter` with the id of a run: has the server load the run's adapter.
    void load(Call call) throws ApiException, IOException, InterruptedException {
        Fields body = call.body();
        body.require(Set.of("run"), Map.of());
        RunIndex.Entry run = index.of(body.text("run").orElse(""));
        String json =
                Json.write(Map.of("lora_name", run.name(), "lora_path", run.folder().toString()));
        Reply reply = ask("POST", "/load_lora_adapter", Optional.of(json), QUICK, LARGEST);
        if (reply.status() != 200 && !reply.body().contains("already been loaded")) {
            throw refused(reply.status(), reply.body());
        }
        call.json(Map.of("model", run.name()));
    }

    /// Tells the server that one of its answers is better than another.
    ///
    /// @return whether it keeps that: servers with `--feedback` do
    boolean prefers(String better, String worse)
            throws ApiException, IOException, InterruptedException {
        String json = Json.write(Map.of("id", better, "better_than", worse));
        return ask("POST", "/feedback", Optional.of(json), QUICK, LARGEST).status() == 200;
    }

    private record Reply(int status, String body) {}

    private Reply ask(
            String method, String path, Optional<String> body, Duration time, long largest)
            throws ApiException, IOException, InterruptedException {
        return send(
                ask(method, path, body, time),
                (status, header, in) -> new Reply(status, HttpAsk.text(in, header, largest)));
    }

    private void pass(Call call, HttpAsk ask, String type)
            throws ApiException, IOException, InterruptedException {
        Reply reply =
                send(
                        ask,
                        (status, header, in) ->
                                new Reply(status, HttpAsk.text(in, header, LARGEST)));
        if (reply.status() != 200) {
            throw refused(reply.status(), reply.body());
        }
        call.text(type, reply.body());
    }

    private HttpAsk ask(String method, String path, Optional<String> body, Duration time)
            throws ApiException {
        if (base.isEmpty()) {
            throw new ApiException(
                    404,
                    "no_model",
                    "the board has no model; start it with --model MODEL, or with --server URL of a"
                            + " running attune serve");
        }
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", "application/json");
        key.ifPresent(k -> headers.put("Authorization", "Bearer " + k));
        String start = base.get().toString().replaceFirst("/+$", "");
        return new HttpAsk(method, URI.create(start + path).normalize(), headers, body, time);
    }

    private <T> T send(HttpAsk ask, HttpAsk.Reader<T> reader)
            throws ApiException, IOException, InterruptedException {
        try {
            return ask.send(reader);
        } catch (TimeoutException e) {
            throw new ApiException(504, "timeout", ask.url() + " didn't answer in time");
        } catch (java.net.ConnectException e) {
            throw new ApiException(
                    502,
                    "unreachable",
                    "%s can't be reached: %s".formatted(ask.url(), HttpAsk.why(ask.url(), e)));
        }
    }

    private static ApiException refused(int status, String body) {
        String why = body;
        try {
            why = Json.tree(body).path("error").path("message").asText(body);
        } catch (IOException e) {
            why = body.length() > 300 ? body.substring(0, 300) : body; // no server of OpenAI's form
        }
        return new ApiException(status == 401 ? 502 : status, "refused", "the server says: " + why);
    }

    @Override
    public void close() {
        own.ifPresent(ModelServer::close);
    }
}
