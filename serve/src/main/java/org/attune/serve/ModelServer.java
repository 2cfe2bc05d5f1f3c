package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.serve.HttpDoor.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A model and its adapters behind an HTTP port, as OpenAI's clients ask for them.
/// ```
/// var config = ServeConfig.of(ModelConfig.of("SmolLM2-135M-Instruct.Q4_1.gguf"));
/// try (var server = ModelServer.open(config)) {
///     System.out.println(server.url()); // http://localhost:8000/v1
///     …
/// }
/// ```
/// Answers many requests at once, each on a thread. Owns the model.
@Api(EXPERIMENTAL)
public final class ModelServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelServer.class);

    private final LocalModels models;
    private final HttpDoor door;

    private ModelServer(ServeConfig config, LocalModels models) {
        this.models = models;
        door = listen(config, routes(models), models.metrics());
    }

    /// Opens model, adapters and port.
    ///
    /// @throws org.attune.error.AttuneException if a model can't be read, if adapters don't fit, if
    ///     the port can't be had, or if others than this machine could ask without a key
    public static ModelServer open(ServeConfig config) {
        boolean takesAdapters = !config.adapters().isEmpty() || config.adapterFolder().isPresent();
        LocalModels models = LocalModels.open(config, takesAdapters, ChatRequest::format);
        try {
            var server = new ModelServer(config, models);
            LOG.info("listening at {}", server.url());
            return server;
        } catch (RuntimeException | Error e) {
            models.close();
            throw e;
        }
    }

    private static HttpDoor listen(ServeConfig config, List<Route> routes, ServerMetrics metrics) {
        try {
            return HttpDoor.open(config, routes, metrics);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s:%d can't be listened at: %s; choose another with --port"
                            .formatted(config.host(), config.port(), e.getMessage()),
                    e);
        }
    }

    private static List<Route> routes(LocalModels local) {
        ServedModels models = local.models();
        AdapterDesk adapters = local.adapters();
        GenerationDesk desk = local.desk();
        ServerMetrics metrics = local.metrics();
        var tokens = new TokenEndpoint(models, desk.length());
        return List.of(
                new Route(
                        "POST",
                        "/v1/chat/completions",
                        false,
                        new ChatEndpoint(models, desk, metrics, Dialect.CHAT)),
                new Route(
                        "POST",
                        "/v1/responses",
                        false,
                        new ChatEndpoint(models, desk, metrics, new ResponsesDialect())),
                new Route(
                        "POST",
                        "/v1/messages",
                        false,
                        new ChatEndpoint(models, desk, metrics, new MessagesDialect())),
                new Route(
                        "POST",
                        "/v1/completions",
                        false,
                        new TextEndpoint(models, desk, local.loaded().decoder(), metrics)),
                new Route("GET", "/v1/models", false, call -> call.json(models.list())),
                new Route(
                        "GET",
                        "/v1/models/",
                        false,
                        call -> call.json(models.entry(models.named(call.name())))),
                new Route("POST", "/v1/load_lora_adapter", false, adapters::load),
                new Route("POST", "/v1/unload_lora_adapter", false, adapters::unload),
                new Route("POST", "/tokenize", false, tokens::encode),
                new Route("POST", "/detokenize", false, tokens::decode),
                new Route("GET", "/tokenizer_info", false, tokens::describe),
                new Route("GET", "/health", true, call -> call.text("text/plain", "")),
                new Route(
                        "GET", "/version", false, call -> call.json(Map.of("version", version()))),
                new Route(
                        "GET",
                        "/metrics",
                        false,
                        call ->
                                call.text(
                                        "text/plain; version=0.0.4", metrics.text(desk.active()))));
    }

    private static String version() {
        return Optional.ofNullable(ModelServer.class.getPackage().getImplementationVersion())
                .orElse("development");
    }

    /// Where clients ask: what they call the base URL.
    public URI url() {
        String host = door.address().getAddress().getHostAddress();
        String shown = host.contains(":") ? "[" + host + "]" : host;
        return URI.create("%s://%s:%d/v1".formatted("http", shown, door.address().getPort()));
    }

    /// Ends what is under way, and closes port and model.
    @Override
    public void close() {
        door.close();
        models.close();
    }
}
