package org.attune.cli.mcp;

import static org.attune.cli.mcp.Schema.Kind.COUNT;
import static org.attune.cli.mcp.Schema.Kind.MESSAGES;
import static org.attune.cli.mcp.Schema.Kind.NUMBER;
import static org.attune.cli.mcp.Schema.Kind.TEXT;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.cli.eval.EvalRun;
import org.attune.cli.mcp.Tool.Answer;
import org.attune.cli.mcp.Tool.Effect;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.json.Json;
import org.attune.models.Chat;
import org.attune.models.GenerationOptions;
import org.attune.models.ModelConfig;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompletion;
import org.attune.rollout.generation.Ticket;
import org.attune.serve.ModelServer;
import org.attune.serve.ServeConfig;
import org.attune.text.Message;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/// Tools that use a model, trained or not: measure it, ask it, serve it.
final class ModelTools implements AutoCloseable {
    private static final int MOST_SERVERS = 4;

    private final Roots roots;
    private final RunGuard guard;
    private final Map<String, ModelServer> servers = new LinkedHashMap<>(); // by address

    ModelTools(Roots roots, RunGuard guard) {
        this.roots = roots;
        this.guard = guard;
    }

    List<Tool> all() {
        return List.of(
                new Tool(
                        "eval",
                        "Measure a model",
                        "Ask a model the questions of a file or of a built-in task, and count right"
                                + " answers, with a 95 % interval. With an adapter the base model"
                                + " is measured too, and the difference.",
                        Effect.COMPUTES,
                        model().takes("data", TEXT, "file of rows with prompt and answer")
                                .takes(
                                        "verifier",
                                        TEXT,
                                        "how answers to data are compared: exact, number, numbers,"
                                                + " word, json, weekday, or a built-in reward")
                                .takes("prompt_column", TEXT, "of data (default: prompt)")
                                .takes("answer_column", TEXT, "of data (default: answer)")
                                .takes("task", TEXT, "a built-in task, instead of data")
                                .takes("problems", COUNT, "most questions (default: all; 200)")
                                .takes("max_new_tokens", COUNT, "of an answer (default: 256)")
                                .takes("show", COUNT, "rows to give back (default: 4)"),
                        this::eval),
                new Tool(
                        "chat",
                        "Ask a model",
                        "One answer of a model. For many questions start serve, which keeps the"
                                + " model loaded.",
                        Effect.COMPUTES,
                        model().needs("messages", MESSAGES, "the conversation; a user's comes last")
                                .takes("max_new_tokens", COUNT, "of the answer (default: 256)")
                                .takes("temperature", NUMBER, "0 takes the likeliest (default: 0)"),
                        this::chat),
                new Tool(
                        "serve",
                        "Serve a model",
                        "Answer OpenAI's and Anthropic's clients over HTTP, at this machine alone,"
                                + " until stop_serving or the end of this server. The model is"
                                + " called base in requests, the adapter tuned.",
                        Effect.ADDS,
                        model().takes("port", COUNT, "0 takes a free one (default: 0)"),
                        this::serve),
                new Tool(
                        "stop_serving",
                        "Stop serving",
                        "End a server that serve started.",
                        Effect.ENDS,
                        new Schema().needs("url", TEXT, "as serve gave it"),
                        this::stopServing));
    }

    private static Schema model() {
        return new Schema()
                .needs(
                        "model",
                        TEXT,
                        "folder in Hugging Face layout, .gguf file, or name on the Hub")
                .takes("adapter", TEXT, "PEFT folder, such as a run's output_dir");
    }

    private ModelConfig config(Arguments given) {
        guard.require(Map.of("model_name_or_path", given.need("model")), Path.of(""));
        given.text("adapter")
                .ifPresent(a -> guard.require(Map.of("adapter_name_or_path", a), Path.of("")));
        ModelConfig config = ModelConfig.of(given.need("model"));
        return given.text("adapter").map(config::withAdapterNameOrPath).orElse(config);
    }

    private Answer eval(ToolCall call) {
        Arguments given = call.arguments();
        ModelConfig config = config(given);
        given.text("data").ifPresent(data -> roots.require("data", data));
        List<String> words = new ArrayList<>();
        Map.of(
                        "data", "--data",
                        "verifier", "--verifier",
                        "prompt_column", "--prompt-column",
                        "answer_column", "--answer-column",
                        "task", "--task")
                .forEach(
                        (argument, option) ->
                                given.text(argument)
                                        .ifPresent(value -> words.add(option + "=" + value)));
        given.count("problems").ifPresent(n -> words.add("--n=" + n));
        List<ModelConfig> configs =
                config.adapterNameOrPath().isPresent()
                        ? List.of(ModelConfig.of(given.need("model")), config)
                        : List.of(config);
        int tokens = given.count("max_new_tokens").orElse(256);
        int shown = given.count("show").orElse(4);
        return Answer.of(
                EvalRun.likeliest(words, tokens, configs, shown, watch(call, configs.size())));
    }

    /// Tells the client of answers, whichever model gave them.
    private static EvalRun.Watch watch(ToolCall call, int models) {
        var done = new AtomicInteger();
        return completions ->
                new SequenceListener() {
                    @Override
                    public Next sampled(Ticket ticket, int id, float logProb) {
                        return Next.GO_ON;
                    }

                    @Override
                    public void ended(Ticket ticket, SampledCompletion completion) {
                        call.progress(
                                done.incrementAndGet(), (double) models * completions, "answered");
                    }
                };
    }

    private Answer chat(ToolCall call) {
        Arguments given = call.arguments();
        List<Message> messages = new ArrayList<>();
        for (JsonNode item : given.items("messages")) {
            messages.add(
                    Message.of(item.path("role").textValue(), item.path("content").textValue()));
        }
        if (messages.isEmpty() || !messages.getLast().role().equals("user")) {
            throw ConfigException.about("messages", "end with another role than user");
        }
        double temperature = given.number("temperature").orElse(0);
        GenerationOptions options =
                GenerationOptions.defaults()
                        .withMaxNewTokens(given.count("max_new_tokens").orElse(256))
                        .withTemperature(temperature);
        String asked = messages.getLast().content();
        List<Message> opening = messages.subList(0, messages.size() - 1);
        try (var chat = Chat.open(config(given), options, opening, Chat.DEFAULT_CONTEXT)) {
            StopRequest.check();
            TextCompletion answer = chat.answer(asked, options, _ -> StopRequest.check());
            ObjectNode node = Json.object().put("answer", answer.text());
            return Answer.of(
                    node.put("tokens", answer.sampled().ids().length)
                            .put(
                                    "ended_by",
                                    answer.sampled().reason().name().toLowerCase(Locale.ROOT)));
        }
    }

    private Answer serve(ToolCall call) {
        Arguments given = call.arguments();
        ModelConfig config = config(given);
        ServeConfig served =
                ServeConfig.of(ModelConfig.of(config.modelNameOrPath()))
                        .withName("base")
                        .withPort(given.count("port").orElse(0));
        served =
                config.adapterNameOrPath().isPresent()
                        ? served.withAdapters(Map.of("tuned", config.adapterNameOrPath().get()))
                        : served;
        synchronized (servers) {
            if (servers.size() >= MOST_SERVERS) {
                throw new ConfigException(
                        "%d models are served; end one with stop_serving".formatted(MOST_SERVERS));
            }
            ModelServer server = ModelServer.open(served);
            String url = server.url().toString();
            servers.put(url, server);
            ObjectNode node = Json.object().put("url", url);
            ArrayNode names = node.putArray("models").add("base");
            served.adapters().keySet().forEach(names::add);
            return Answer.of(node.put("next", "POST %s/chat/completions".formatted(url)));
        }
    }

    private Answer stopServing(ToolCall call) {
        String url = call.arguments().need("url");
        synchronized (servers) {
            ModelServer server = servers.remove(url);
            if (server == null) {
                throw ConfigException.about(
                        "url", "%s is not served; served are %s".formatted(url, servers.keySet()));
            }
            server.close();
        }
        return Answer.of(Json.object().put("ended", url));
    }

    @Override
    public void close() {
        synchronized (servers) {
            servers.values().forEach(ModelServer::close);
            servers.clear();
        }
    }
}
