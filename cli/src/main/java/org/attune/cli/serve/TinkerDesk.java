package org.attune.cli.serve;

import org.attune.error.ConfigException;
import org.attune.http.ExchangeReply;
import org.attune.json.Json;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.serve.Fields;
import org.attune.serve.HttpDoor.Desk;
import org.attune.serve.HttpDoor.Handler;
import org.attune.serve.HttpDoor.Route;
import org.attune.serve.HttpDoor.Served;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Training as a service, in the form of Tinker's API: clients compute gradients, make updates,
/// sample and save by requests. Adapters of all of them stand on the weights of the model that is
/// served.
final class TinkerDesk implements Desk {
    private static final Logger LOG = LoggerFactory.getLogger(TinkerDesk.class);
    private static final int MOST_TELEMETRY = 4 << 20;
    /// Below the 45 seconds after which clients give a request up.
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);

    /// What the client's library is told of the server: no other keys than those of requests,
    /// nothing compressed, and no more requests at once than there are connections.
    private static final Map<String, Object> CLIENT_CONFIG =
            Map.of(
                    "pjwt_auth_enabled", false,
                    "proto_compress_fwdbwd", false,
                    "sample_use_retrieve_futures", false,
                    "custom_loss_server_side", false,
                    "use_pyqwest_transport", false,
                    "sample_max_concurrent_requests", 64);

    private final Served served;
    private final TinkerSessions sessions;
    private final TinkerFutures futures;
    private final TinkerCheckpoints checkpoints;
    private final TinkerTrainings trainings;
    private final TinkerSampling sampling;
    private final Duration pause; // between two looks for unused sessions
    private final Thread sweeper;

    /// Limits of the service.
    ///
    /// @param adapters that are trained at a time
    /// @param idle after which a session ends that nobody uses
    record Limits(int adapters, Duration idle) {
        Limits {
            if (adapters < 1) {
                throw ConfigException.about(
                        "tinker_adapters", "is %d; accepted: at least 1".formatted(adapters));
            }
            if (!idle.isPositive()) {
                throw ConfigException.about(
                        "tinker_idle", "is %s; accepted: more than 0".formatted(idle));
            }
        }
    }

    private TinkerDesk(Served served, Path root, Limits limits) {
        this.served = served;
        sessions = new TinkerSessions(limits.adapters(), limits.idle());
        futures = new TinkerFutures(limits.idle());
        checkpoints = new TinkerCheckpoints(served, root);
        sampling = new TinkerSampling(served, checkpoints, sessions, futures);
        trainings = new TinkerTrainings(served, checkpoints, sessions, futures, sampling);
        pause = limits.idle().dividedBy(20);
        sweeper = Thread.ofVirtual().name("attune-tinker").start(this::sweep);
    }

    /// Opens the service.
    ///
    /// @param root where checkpoints are kept
    /// @throws ConfigException if the folder can't be used
    static TinkerDesk open(Served served, Path root, Limits limits) {
        try {
            Files.createDirectories(root);
        } catch (IOException e) {
            throw ConfigException.about("tinker", "%s can't be used: %s".formatted(root, e));
        }
        return new TinkerDesk(served, root.toAbsolutePath().normalize(), limits);
    }

    @Override
    public List<Route> routes() {
        return List.of(
                new Route("GET", "/api/v1/healthz", true, c -> c.json(Map.of("status", "ok"))),
                get("get_server_capabilities", this::capabilities),
                post("client/config", call -> call.json(CLIENT_CONFIG)),
                post("client/dynamic_config", call -> call.json(Map.of())),
                post("telemetry", TinkerDesk::telemetry),
                post("create_session", this::createSession),
                post("session_heartbeat", this::heartbeat),
                post("sessions/", this::finish),
                post("retrieve_future", this::retrieve),
                post("create_model", trainings::create),
                post("get_info", trainings::info),
                post("unload_model", trainings::unload),
                post("forward_backward", call -> trainings.learn(call, "forward_backward_input")),
                post("forward", call -> trainings.learn(call, "forward_input")),
                post("optim_step", trainings::step),
                post("save_weights", trainings::save),
                post("load_weights", trainings::load),
                post("save_weights_for_sampler", trainings::saveForSampler),
                post("weights_info", checkpoints::describe),
                get("training_runs/", checkpoints::list),
                new Route("DELETE", "/api/v1/training_runs/", false, checkpoints::delete),
                post("create_sampling_session", sampling::create),
                post("asample", sampling::sample),
                get("samplers/", sampling::show));
    }

    private static Route post(String path, Handler handler) {
        return new Route("POST", "/api/v1/" + path, false, handler);
    }

    private static Route get(String path, Handler handler) {
        return new Route("GET", "/api/v1/" + path, false, handler);
    }

    /// A text that a request must have.
    ///
    /// @throws ApiException if it is missing
    static String required(Fields body, String key) {
        return body.text(key).orElseThrow(() -> body.bad(key, "is missing"));
    }

    /// Refuses another base model than the one that is served.
    static void requireBase(Fields body, Served served) {
        Optional<String> base = body.text("base_model");
        if (base.isPresent() && !base.get().equals(served.name())) {
            throw body.bad(
                    "base_model", "is \"%s\"; accepted: %s".formatted(base.get(), served.name()));
        }
    }

    private void capabilities(Call call) throws IOException {
        call.json(
                Map.of(
                        "supported_models",
                        List.of(
                                Map.of(
                                        "model_name",
                                        served.name(),
                                        "max_context_length",
                                        (long) served.length()))));
    }

    /// What clients tell of themselves is read and forgotten.
    private static void telemetry(Call call) throws IOException {
        call.bytes(MOST_TELEMETRY);
        call.json(Map.of("status", "accepted"));
    }

    private void createSession(Call call) throws IOException {
        Fields body = call.body();
        body.require(
                Set.of(
                        "tags",
                        "user_metadata",
                        "sdk_version",
                        "project_id",
                        "display_name",
                        "type"),
                Map.of());
        call.json(Map.of("type", "create_session", "session_id", sessions.open()));
    }

    private void heartbeat(Call call) throws IOException {
        Fields body = call.body();
        body.require(Set.of("session_id", "type"), Map.of());
        sessions.touch(required(body, "session_id"));
        call.json(Map.of("type", "session_heartbeat"));
    }

    /// `sessions/ID/finish`
    private void finish(Call call) throws IOException {
        String[] parts = call.name().split("/", -1);
        if (parts.length != 2 || !parts[1].equals("finish")) {
            throw new ApiException(404, "not_found", "there is sessions/ID/finish");
        }
        call.body().require(Set.of("reason", "detail"), Map.of());
        sessions.end(parts[0]);
        call.exchange().sendResponseHeaders(204, -1);
    }

    /// Answers with a result, or after a while with 408, upon which clients ask again.
    private void retrieve(Call call) throws IOException, InterruptedException {
        Fields body = call.body();
        body.require(Set.of("request_id", "allow_metadata_only", "model_id"), Map.of());
        String id = required(body, "request_id");
        Optional<TinkerReply> reply = futures.await(id, LONGEST_WAIT);
        if (reply.isEmpty()) {
            Map<String, String> again =
                    Map.of("type", "try_again", "request_id", id, "queue_state", "active");
            ExchangeReply.whole(call.exchange(), 408, "application/json", Json.compact(again));
            return;
        }
        boolean takesMessages =
                call.header("Accept").filter(a -> a.contains("application/x-protobuf")).isPresent();
        Optional<byte[]> message = takesMessages ? reply.get().message() : Optional.empty();
        if (message.isPresent()) {
            call.bytes("application/x-protobuf", message.get());
        } else {
            call.text("application/json", reply.get().json());
        }
    }

    private void sweep() {
        try {
            while (true) {
                Thread.sleep(pause);
                sessions.sweep();
                futures.sweep();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.warn("unused sessions don't end any more", e);
        }
    }

    @Override
    public void close() {
        sweeper.interrupt();
        sessions.close();
        trainings.close();
    }
}
