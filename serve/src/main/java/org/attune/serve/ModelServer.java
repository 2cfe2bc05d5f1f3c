package org.attune.serve;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.serve.HttpDoor.Route;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

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
    private final Optional<HttpDoor.Desk> desk;

    private ModelServer(ServeConfig config, LocalModels models, Optional<HttpDoor.Desk> desk) {
        this.models = models;
        this.desk = desk;
        List<Route> routes = new ArrayList<>(ServerRoutes.of(models, config).all());
        desk.ifPresent(more -> routes.addAll(more.routes()));
        door = listen(config, routes, models.metrics());
    }

    /// Opens model, adapters and port.
    ///
    /// @throws org.attune.error.AttuneException if a model can't be read, if adapters don't fit, if
    ///     the port can't be had, or if others than this machine could ask without a key
    public static ModelServer open(ServeConfig config) {
        return open(config, Optional.empty());
    }

    /// Opens a server of which requests may ask to train adapters on the model
    /// (`/v1/fine_tuning/jobs`), each in a separate process.
    ///
    /// @param folder where files, jobs and adapters are kept
    /// @param commands words of the command line that trains: by method, `sft` or `dpo`, and the
    ///     run's file
    /// @throws org.attune.error.AttuneException as for [#open(ServeConfig)], or if the folder can't
    ///     be used
    public static ModelServer openToTrain(
            ServeConfig config, Path folder, BiFunction<String, Path, List<String>> commands) {
        return open(
                config,
                Optional.of(
                        models ->
                                TuningDesk.open(
                                        folder,
                                        commands,
                                        config.model(),
                                        models.models().base().name(),
                                        models.adapters())));
    }

    /// @param desk opens what answers other requests, which may bring adapters
    static ModelServer open(
            ServeConfig config, Optional<Function<LocalModels, HttpDoor.Desk>> desk) {
        boolean takesAdapters =
                !config.adapters().isEmpty()
                        || config.adapterFolder().isPresent()
                        || config.feedback().isPresent()
                        || desk.isPresent();
        LocalModels models = LocalModels.open(config, takesAdapters, ChatRequest::format);
        try {
            var server = new ModelServer(config, models, desk.map(open -> open.apply(models)));
            LOG.info("listening at {}", server.url());
            return server;
        } catch (RuntimeException | Error e) {
            models.close();
            throw e;
        }
    }

    private static HttpDoor listen(ServeConfig config, List<Route> routes, ServerMetrics metrics) {
        try {
            var rules =
                    new HttpDoor.Rules(
                            config.keys(),
                            Optional.empty(),
                            config.allowedHosts(),
                            config.allowedOrigins());
            return HttpDoor.open(
                    rules, config.host(), config.port(), routes, Map.of(), metrics::answered);
        } catch (IOException e) {
            throw new ConfigException(
                    "%s:%d can't be listened at: %s; choose another with --port"
                            .formatted(config.host(), config.port(), e.getMessage()),
                    e);
        }
    }

    /// Where clients ask: what they call the base URL.
    public URI url() {
        return door.url().resolve("/v1");
    }

    /// Ends what is under way, and closes port and model.
    @Override
    public void close() {
        door.close();
        desk.ifPresent(HttpDoor.Desk::close);
        models.close();
    }
}
