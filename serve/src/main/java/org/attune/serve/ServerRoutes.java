package org.attune.serve;

import org.attune.models.LoadedModel;
import org.attune.serve.HttpDoor.Handler;
import org.attune.serve.HttpDoor.Route;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// What a server answers, path by path.
///
/// @param desk empty where the model writes nothing
/// @param loaded borrowed
/// @param length most tokens of a sequence
/// @param feedback keeps answers; empty: nothing does
record ServerRoutes(
        ServedModels models,
        AdapterDesk adapters,
        Optional<GenerationDesk> desk,
        LoadedModel loaded,
        int length,
        ServeConfig config,
        ServerMetrics metrics,
        Optional<FeedbackDesk> feedback) {
    /// @param models borrowed
    static ServerRoutes of(LocalModels models, ServeConfig config) {
        return new ServerRoutes(
                models.models(),
                models.adapters(),
                models.desk(),
                models.loaded(),
                models.length(),
                config,
                models.metrics(),
                models.feedback());
    }

    List<Route> all() {
        List<Route> routes = new ArrayList<>(writing());
        routes.addAll(judging());
        routes.addAll(describing());
        feedback.ifPresent(keeper -> routes.add(post("/v1/feedback", keeper)));
        return routes;
    }

    private List<Route> writing() {
        return List.of(
                post("/v1/chat/completions", chat(Dialect.CHAT)),
                post("/v1/responses", chat(new ResponsesDialect())),
                post("/v1/messages", chat(new MessagesDialect())),
                post(
                        "/v1/completions",
                        writing(d -> new TextEndpoint(models, d, loaded.decoder(), metrics))));
    }

    private Handler chat(Dialect dialect) {
        return writing(d -> new ChatEndpoint(models, d, metrics, feedback, dialect));
    }

    private Handler writing(Function<GenerationDesk, Handler> handler) {
        return desk.map(handler)
                .orElse(call -> models.asked(call.body(), Ability.WRITES, call::afterwards));
    }

    private List<Route> judging() {
        var heads = new HeadDesk(length, config.maxWaiting(), metrics);
        var scores = new ScoreEndpoint(models, heads);
        Handler classes = new ClassifyEndpoint(models, heads)::classify;
        return List.of(
                post("/v1/embeddings", new EmbeddingEndpoint(models, heads)::embed),
                post("/classify", classes),
                post("/v1/classify", classes),
                post("/v1/score/evaluation", scores::evaluate),
                post("/v1/score", scores::score),
                post("/score", scores::score),
                post("/v1/rerank", scores::rerank),
                post("/v2/rerank", scores::rerank),
                post("/rerank", scores::rerank));
    }

    private List<Route> describing() {
        var tokens = new TokenEndpoint(models, length);
        return List.of(
                get("/v1/models", call -> call.json(models.list())),
                get("/v1/models/", call -> call.json(models.entry(models.named(call.name())))),
                post("/v1/load_lora_adapter", adapters::load),
                post("/v1/unload_lora_adapter", adapters::unload),
                post("/tokenize", tokens::encode),
                post("/detokenize", tokens::decode),
                get("/tokenizer_info", tokens::describe),
                new Route("GET", "/health", true, call -> call.text("text/plain", "")),
                get("/version", call -> call.json(Map.of("version", version()))),
                get(
                        "/metrics",
                        call ->
                                call.text(
                                        "text/plain; version=0.0.4",
                                        metrics.text(desk.map(GenerationDesk::active).orElse(0)))));
    }

    private static Route post(String path, Handler handler) {
        return new Route("POST", path, false, handler);
    }

    private static Route get(String path, Handler handler) {
        return new Route("GET", path, false, handler);
    }

    private static String version() {
        return Optional.ofNullable(ModelServer.class.getPackage().getImplementationVersion())
                .orElse("development");
    }
}
