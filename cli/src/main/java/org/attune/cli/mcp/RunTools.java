package org.attune.cli.mcp;

import static org.attune.cli.mcp.Schema.Kind.COUNT;
import static org.attune.cli.mcp.Schema.Kind.KEYS;
import static org.attune.cli.mcp.Schema.Kind.TEXT;
import static org.attune.cli.mcp.Schema.Kind.TRUTH;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.MethodSchema;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.mcp.Tool.Answer;
import org.attune.cli.mcp.Tool.Effect;
import org.attune.cli.mcp.TrainingJobs.Job;
import org.attune.cli.preview.RunPreview;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.run.Methods;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Tools about a run that is still to be made: its keys, its rows, its start.
///
/// @param jobs where runs are started
record RunTools(Roots roots, RunGuard guard, TrainingJobs jobs) {
    private static final int LOOK_MILLIS = 500;
    private static final int DAY = 86_400;
    private static final int DEFAULT_WAIT = 30; // clients often give up after 60

    List<Tool> all() {
        return List.of(
                new Tool(
                        "keys",
                        "Keys of a run",
                        "The keys of a method's run, each with type, default and meaning (JSON"
                                + " Schema). Without words only their names.",
                        Effect.LOOKS,
                        new Schema()
                                .needs("method", TEXT, "one of " + methods())
                                .takes(
                                        "words",
                                        TEXT,
                                        "parts of names or meanings, with blanks between: learning"
                                                + " lora eval"),
                        this::keys),
                new Tool(
                        "check",
                        "Check a configuration",
                        "Read a run's keys as train would, and say what is wrong with them. Starts"
                                + " nothing.",
                        Effect.LOOKS,
                        run(),
                        this::check),
                new Tool(
                        "preview",
                        "Preview rows",
                        "The data as the model will see it: prompts, trained tokens marked,"
                                + " lengths, what is cut or dropped. Look at it before training.",
                        Effect.COMPUTES,
                        run().takes("rows", COUNT, "rows to show (default: 3)"),
                        this::preview),
                trainTool(),
                new Tool(
                        "stop",
                        "Stop a run",
                        "Ask a run that was started here to end with a checkpoint, as Ctrl-C does.",
                        Effect.ENDS,
                        new Schema()
                                .needs("run", TEXT, "its output_dir")
                                .takes(
                                        "wait_seconds",
                                        COUNT,
                                        "wait so long for its end (default: 30)"),
                        this::stop));
    }

    private Tool trainTool() {
        return new Tool(
                "train",
                "Train",
                "Start a run as a process. Returns at once, or after wait_seconds or the"
                        + " run's end. It writes into output_dir; an earlier run there is"
                        + " moved aside. It is stopped, with a checkpoint, when this server"
                        + " ends, unless keep_running.",
                Effect.ADDS,
                run().takes(
                                "wait_seconds",
                                COUNT,
                                "wait so long for its end (default: 0); many clients give"
                                        + " up after 60")
                        .takes(
                                "keep_running",
                                TRUTH,
                                "the run goes on when this server ends (default: false)"),
                this::train);
    }

    private static Schema run() {
        return new Schema()
                .takes(
                        "keys",
                        KEYS,
                        "the run's keys, as in its file: model_name_or_path, datasets, output_dir,"
                                + " and others; they win over the file's")
                .takes("run_file", TEXT, "a run's YAML file")
                .takes(
                        "method",
                        TEXT,
                        "one of " + methods() + " (default: what the keys and rows say)");
    }

    private static String methods() {
        return Methods.all().stream().map(TrainingMethod::name).collect(Collectors.joining(", "));
    }

    /// A run as a client names it, allowed.
    ///
    /// @param words its file and keys
    private record Asked(List<String> words, TrainingMethod<?, ?> method, String reason) {}

    private List<String> words(Arguments given) {
        List<String> words = new ArrayList<>();
        Path directory = Path.of("");
        Optional<String> file = given.text("run_file");
        if (file.isPresent()) {
            Path path = roots.require("run_file", file.get());
            words.add(path.toString());
            directory = path.getParent();
        }
        for (Map.Entry<String, JsonNode> key : given.fields("keys").entrySet()) {
            if (!key.getKey().matches("[A-Za-z_][A-Za-z0-9_]*")) {
                throw ConfigException.about("keys", "\"%s\" is no key".formatted(key.getKey()));
            }
            words.add(key.getKey() + "=" + Json.compact(key.getValue()));
        }
        if (words.isEmpty()) {
            throw ConfigException.about(
                    "keys",
                    "are missing; give them, or run_file, or both (the tool keys lists them)");
        }
        guard.require(new RunConfigReader().given(Path.of(""), words), directory);
        return words;
    }

    private Asked asked(Arguments given) {
        List<String> words = words(given);
        Optional<TrainingMethod<?, ?>> named = given.text("method").map(RunTools::method);
        if (named.isPresent()) {
            return new Asked(words, named.get(), "given");
        }
        MethodChoice choice = new RunConfigReader().methodOf(Path.of(""), words, RowSetup::typeOf);
        return new Asked(words, choice.method(), choice.reason());
    }

    private static TrainingMethod<?, ?> method(String name) {
        return Methods.named(name)
                .orElseThrow(
                        () ->
                                ConfigException.about(
                                        "method",
                                        "is %s; accepted: %s".formatted(name, methods())));
    }

    private Answer keys(ToolCall call) {
        TrainingMethod<?, ?> method = method(call.arguments().need("method"));
        List<String> words =
                call.arguments().text("words").stream()
                        .flatMap(text -> List.of(text.strip().split("[\\s,]+")).stream())
                        .filter(word -> !word.isEmpty())
                        .toList();
        ObjectNode schema = schema(method);
        ObjectNode found = Json.object();
        schema.path("properties")
                .properties()
                .forEach(
                        key -> {
                            JsonNode facts = key.getValue();
                            boolean wanted =
                                    words.stream()
                                            .anyMatch(
                                                    word ->
                                                            key.getKey().contains(word)
                                                                    || facts.path("description")
                                                                            .asText()
                                                                            .contains(word));
                            if (wanted && !facts.path("deprecated").asBoolean()) {
                                found.set(key.getKey(), facts);
                            }
                        });
        if (!words.isEmpty()) {
            return Answer.of(Json.object().put("method", method.name()).set("keys", found));
        }
        ObjectNode names = Json.object().put("method", method.name());
        names.put("summary", method.summary());
        var list = names.putArray("names");
        schema.path("properties")
                .properties()
                .forEach(
                        key -> {
                            if (!key.getValue().path("deprecated").asBoolean()) {
                                list.add(key.getKey());
                            }
                        });
        return Answer.of(names);
    }

    private static ObjectNode schema(TrainingMethod<?, ?> method) {
        try {
            return (ObjectNode) Json.tree(MethodSchema.of(method));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the schema of " + method.name(), e);
        }
    }

    private Answer check(ToolCall call) {
        Asked asked = asked(call.arguments());
        LoadedRun<? extends RunConfig> loaded = load(asked.method(), asked.words());
        ObjectNode node = Json.object().put("valid", true).put("method", asked.method().name());
        node.put("method_from", asked.reason());
        node.put("output_dir", folder(loaded).toString());
        loaded.notes().forEach(node.putArray("notes")::add);
        return Answer.of(node.put("next", "preview, then train"));
    }

    private static <C extends Record & RunConfig> LoadedRun<C> load(
            TrainingMethod<C, ?> method, List<String> words) {
        return new RunConfigReader().read(method, Path.of(""), words).found();
    }

    private Path folder(LoadedRun<? extends RunConfig> loaded) {
        return roots.require("output_dir", loaded.config().training().save().outputDir());
    }

    private Answer preview(ToolCall call) {
        Arguments given = call.arguments();
        Asked asked = asked(given);
        var text = new StringWriter();
        var preview =
                new RunPreview(
                        Path.of(""),
                        asked.words(),
                        given.count("rows").orElse(3),
                        Preview.Marks.PLAIN,
                        new PrintWriter(text));
        preview.print(Optional.of(asked.method()));
        preview.out().flush();
        return Answer.of("method: %s\n%s".formatted(asked.method().name(), text));
    }

    private Answer train(ToolCall call) throws InterruptedException {
        Arguments given = call.arguments();
        Asked asked = asked(given);
        Path folder = folder(load(asked.method(), asked.words()));
        Job job =
                jobs.start(
                        asked.method().name(), asked.words(), folder, given.truth("keep_running"));
        return watch(call, job, given.count("wait_seconds").orElse(0));
    }

    /// Waits for a run, and tells how far it is. A cancellation ends the waiting alone: clients
    /// cancel what takes them too long, which is no reason to lose a run.
    private Answer watch(ToolCall call, Job job, int seconds) throws InterruptedException {
        long end = System.nanoTime() + Math.min(seconds, DAY) * 1_000_000_000L;
        Optional<Job> mine = Optional.of(job);
        while (job.isAlive() && !call.isCancelled() && System.nanoTime() < end) {
            RunFacts facts = RunFacts.of(job.folder(), mine);
            call.progress(facts.step(), facts.plannedSteps(), facts.line());
            call.await(LOOK_MILLIS);
        }
        return Answer.of(RunFacts.of(job.folder(), mine).withProgress());
    }

    private Answer stop(ToolCall call) throws InterruptedException {
        Arguments given = call.arguments();
        Path folder = roots.require("run", given.need("run"));
        Job job =
                jobs.of(folder)
                        .orElseThrow(
                                () ->
                                        ConfigException.about(
                                                "run",
                                                "%s is none that was started here; runs lists all, those of others end in their terminal or by their process"
                                                        .formatted(folder)));
        job.stop();
        return watch(call, job, given.count("wait_seconds").orElse(DEFAULT_WAIT));
    }
}
