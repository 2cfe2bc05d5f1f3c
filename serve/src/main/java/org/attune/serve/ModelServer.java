package org.attune.serve;

import org.attune.error.ConfigException;
import org.attune.hub.HubDownload;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.rollout.generation.GenerationLoop;
import org.attune.serve.HttpDoor.Route;
import org.attune.tensor.Engine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
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
public final class ModelServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelServer.class);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>(); // the last one closes first
    private HttpDoor door;

    private ModelServer() {}

    /// Opens model, adapters and port.
    ///
    /// @throws org.attune.error.AttuneException if a model can't be read, if adapters don't fit, if
    ///     the port can't be had, or if others than this machine could ask without a key
    public static ModelServer open(ServeConfig config) {
        var server = new ModelServer();
        try {
            server.start(config);
            return server;
        } catch (RuntimeException | Error e) {
            server.close();
            throw e;
        }
    }

    private void start(ServeConfig config) {
        require(config);
        ModelConfig model = config.model().ofAdapterAlone();
        LoadedModel loaded = load(config, model);
        parts.push(loaded);
        int length = length(config, loaded);
        ServedModel base = ServedModel.base(name(config), loaded);
        var models = new ServedModels(base, length);
        var adapters = new AdapterDesk(models, loaded, model, config.adapterFolder());
        parts.push(adapters);
        config.adapters().forEach(adapters::add);
        var metrics = new ServerMetrics();
        Optional<GenerationDesk> desk =
                base.scores().isPresent()
                        ? Optional.empty()
                        : Optional.of(desk(config, loaded, length, metrics));
        var routes = new ServerRoutes(models, adapters, desk, loaded, length, config, metrics);
        listen(config, routes.all(), metrics);
        LOG.info("{} takes prompts and answers of up to {} tokens", url(), length);
    }

    private GenerationDesk desk(
            ServeConfig config, LoadedModel loaded, int length, ServerMetrics metrics) {
        int answers = ServingMemory.answers(loaded.decoder(), config.maxNumSeqs(), length);
        var loop = GenerationLoop.open(loaded.decoder(), Optional.empty(), answers, length);
        parts.push(loop);
        LOG.info("at most {} answers are generated at once", answers);
        int places = answers + config.maxWaiting();
        return new GenerationDesk(loop, places, length, config.timeout(), metrics);
    }

    private static void require(ServeConfig config) {
        if (config.maxNumSeqs() < 1) {
            throw ConfigException.about(
                    "max_num_seqs", "is %d; accepted: at least 1".formatted(config.maxNumSeqs()));
        }
    }

    private static LoadedModel load(ServeConfig config, ModelConfig model) {
        ModelSetup setup = ModelSetup.open(model, HubDownload.cache());
        boolean grows = !config.adapters().isEmpty() || config.adapterFolder().isPresent();
        if (setup.labels() == 0 && !grows) {
            return LoadedModel.openToGenerate(setup);
        }
        LoadedModel loaded = LoadedModel.openAny(setup);
        if (!loaded.decoder().config().scores()) {
            Engine.run(() -> loaded.decoder().packDecoding());
        }
        return loaded;
    }

    private static int length(ServeConfig config, LoadedModel loaded) {
        int trained = loaded.setup().source().config().maxPositionEmbeddings();
        int length = config.maxModelLen().orElse(Math.min(trained, ServeConfig.DEFAULT_LENGTH));
        if (length < 2 || length > trained) {
            throw ConfigException.about(
                    "max_model_len",
                    "is %d; accepted: 2 to %d, for which the model was made"
                            .formatted(length, trained));
        }
        return length;
    }

    private static String name(ServeConfig config) {
        return config.name()
                .orElseGet(
                        () -> {
                            Path last = Path.of(config.model().modelNameOrPath()).getFileName();
                            return last == null ? "model" : last.toString();
                        });
    }

    private void listen(ServeConfig config, List<Route> routes, ServerMetrics metrics) {
        try {
            door = HttpDoor.open(config, routes, metrics);
            parts.push(door);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s:%d can't be listened at: %s; choose another with --port"
                            .formatted(config.host(), config.port(), e.getMessage()),
                    e);
        }
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
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("a part of the server didn't close", e);
            }
        }
    }
}
