package org.attune.agents.loop;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.testing.Recorded;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.HfTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.template.ParseFixtures;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A recorded case of TRL's episodes: its settings, its turns and what tools answered.
final class EpisodeCase implements AutoCloseable {
    private static final Pattern DATE =
            Pattern.compile("date: ([0-9]{4}-[0-9]{2}-[0-9]{2})|Today Date: ([0-9]+ \\w+ [0-9]+)");

    /// By which of TRL's templates a family's turns are read.
    private static final Map<String, String> PARSERS =
            Map.of(
                    "qwen2_5", "qwen3_template",
                    "qwen3", "qwen3_template",
                    "qwen3_6", "qwen3_5_template",
                    "nemotron_3_nano", "nemotron_3_template",
                    "llama3_2", "llama3_template",
                    "glm4moe", "glm4moe_template",
                    "gptoss", "gptoss_template",
                    "lfm2_5", "lfm2_2_5_template",
                    "gemma4", "gemma4_template");

    final Map<String, Object> config;
    final List<Map<String, Object>> lines;
    private final List<Map<String, Object>> prompts;
    private final Object tools;
    private final HfTokenizer tokenizer;
    private final ChatTokenizer chat;
    private final TurnParser parser;

    EpisodeCase(Path root, Path folder) throws IOException {
        config = object(Json.parse(Files.readString(folder.resolve("config.json"))));
        prompts = lines(folder.resolve("prompts.jsonl"));
        lines = lines(folder.resolve("episodes.jsonl"));
        tools = Json.parse(Files.readString(folder.resolve("tools.json")));
        SpecialTokens specials =
                specials(
                        root.resolve((String) config.get("tokenizer"))
                                .resolve("tokenizer_config.json"));
        String json = Files.readString(root.resolve("tokenizers/tokenizer.json"));
        tokenizer = HfTokenizer.of(folder.toString(), json, specials);
        String template = (String) config.get("chat_template");
        chat =
                new ChatTokenizer(
                        tokenizer,
                        JinjaChatTemplate.compile(
                                template,
                                Files.readString(root.resolve(template)),
                                specials.byRole(),
                                day()));
        parser = new ParseFixtures().trl(PARSERS.get(family(folder)));
    }

    private static String family(Path folder) {
        JsonNode config = Recorded.json(folder.resolve("config.json"));
        return Path.of(config.path("tokenizer").asText()).getFileName().toString();
    }

    /// Checks every recorded case; one of a family without a parser is reported.
    static void each(Path root, CaseReport report, Consumer<EpisodeCase> check) {
        for (Path folder : Recorded.folders(root.resolve("episodes"))) {
            String name = folder.getFileName().toString();
            if (!PARSERS.containsKey(family(folder))) {
                report.unsupported(name);
                continue;
            }
            report.run(
                    name,
                    () -> {
                        try (var recorded = new EpisodeCase(root, folder)) {
                            check.accept(recorded);
                        }
                    });
        }
    }

    /// The day that the recorded prompts show.
    private Clock day() {
        String text = tokenizer.decode(ids(prompts.getFirst().get("prompt_ids")), false);
        Matcher date = DATE.matcher(text);
        LocalDate day =
                !date.find()
                        ? LocalDate.EPOCH
                        : date.group(1) != null
                                ? LocalDate.parse(date.group(1))
                                : LocalDate.parse(
                                        date.group(2),
                                        DateTimeFormatter.ofPattern("dd MMM uuuu", Locale.ENGLISH));
        return Clock.fixed(day.atStartOfDay().toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    }

    private static SpecialTokens specials(Path file) throws IOException {
        var byRole = new LinkedHashMap<String, String>();
        object(Json.parse(Files.readString(file)))
                .forEach(
                        (key, value) -> {
                            if (key.endsWith("_token") && value instanceof String token) {
                                byRole.put(key, token);
                            }
                        });
        return new SpecialTokens(byRole);
    }

    static List<Map<String, Object>> lines(Path file) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            all.add(object(Json.parse(line)));
        }
        return all;
    }

    @SuppressWarnings("unchecked") // JSON
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // JSON
    static List<Map<String, Object>> objects(Object value) {
        return value == null ? List.of() : (List<Map<String, Object>>) value;
    }

    static int[] ids(Object value) {
        return value == null
                ? new int[0]
                : ((List<?>) value).stream().mapToInt(i -> ((Number) i).intValue()).toArray();
    }

    String text(int[] ids) {
        return tokenizer.decode(ids, false);
    }

    ChatTokenizer chat() {
        return chat;
    }

    Set<Integer> endIds() {
        return ((List<?>) config.get("end_token_ids"))
                .stream().map(i -> ((Number) i).intValue()).collect(Collectors.toSet());
    }

    Map<String, Object> variables() {
        Object kwargs = config.get("chat_template_kwargs");
        return kwargs == null ? Map.of() : object(kwargs);
    }

    int number(String key) {
        return ((Number) config.get(key)).intValue();
    }

    EpisodeConfig settings() {
        EpisodeConfig trl = EpisodeConfig.trl();
        return config.get("max_tool_calling_iterations") == null
                ? trl
                : trl.withMaxToolCallingIterations(number("max_tool_calling_iterations"));
    }

    int[] promptIds(Map<String, Object> line) {
        return ids(prompt(line).get("prompt_ids"));
    }

    private Map<String, Object> prompt(Map<String, Object> line) {
        return prompts.get(((Number) line.get("prompt")).intValue());
    }

    List<EpisodeTask> tasks(List<Map<String, Object>> chosen) {
        List<EpisodeTask> tasks = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            List<Message> prompt =
                    objects(prompt(chosen.get(i)).get("messages")).stream()
                            .map(Message::new)
                            .toList();
            var start = new EpisodeStart(new EpisodeId(0, i), Map.of(), 0, 0, 0);
            tasks.add(new EpisodeTask(start, prompt, new int[0]));
        }
        return tasks;
    }

    /// The run's tools, which answer what was recorded.
    ToolSet tools(Map<String, Object> line) {
        List<Map<String, Object>> shown = shown(line);
        List<Tool> all = shown.stream().map(spec -> tool(spec, line)).toList();
        return () -> all;
    }

    /// Where tools differ by environment, the ones whose prompt was recorded.
    private List<Map<String, Object>> shown(Map<String, Object> line) {
        if (tools instanceof List<?>) {
            return objects(tools);
        }
        int[] recorded = promptIds(line);
        for (Object candidate : object(tools).values()) {
            EpisodeTask task = tasks(List.of(line)).getFirst();
            int[] ids =
                    chat.encode(
                                    new Conversation(
                                            task.prompt(),
                                            new ArrayList<>(objects(candidate)),
                                            variables()),
                                    Tail.GENERATION_PROMPT)
                            .ids();
            if (Arrays.equals(ids, recorded)) {
                return objects(candidate);
            }
        }
        throw new AssertionError("no tools give the recorded prompt");
    }

    private static Tool tool(Map<String, Object> shown, Map<String, Object> line) {
        Map<String, Object> function = object(shown.get("function"));
        var spec =
                new ToolSpec(
                        (String) function.get("name"),
                        (String) function.get("description"),
                        object(function.get("parameters")),
                        function.get("return") == null ? Map.of() : object(function.get("return")));
        return new Tool() {
            @Override
            public ToolSpec spec() {
                return spec;
            }

            @Override
            public ToolResult call(Map<String, Object> arguments, ToolContext context) {
                List<Map<String, Object>> results = results(line, context.turn());
                Object content = results.get(context.call()).get("content");
                return new ToolResult.Ok(content instanceof String text ? text : "a list");
            }
        };
    }

    static List<Map<String, Object>> turns(Map<String, Object> line) {
        return objects(line.get("turns"));
    }

    static List<Map<String, Object>> results(Map<String, Object> line, int turn) {
        return objects(turns(line).get(turn).get("results"));
    }

    static List<Message> resultMessages(Map<String, Object> line, int turn) {
        return results(line, turn).stream()
                .map(
                        result -> {
                            var fields = new LinkedHashMap<String, Object>();
                            fields.put("role", "tool");
                            fields.putAll(result);
                            return new Message(fields);
                        })
                .toList();
    }

    /// TRL's order of answers, and values that are no text, are in no outcome: these come from the
    /// record.
    AnswerForm recordedAnswers(Map<String, Object> line) {
        int[] turn = {0};
        return (List<ToolOutcome> outcomes, List<String> problems) ->
                resultMessages(line, turn[0]++);
    }

    EpisodeFormat format(AnswerForm answers) {
        return new EpisodeFormat(
                chat, variables(), new TrlCodec(chat, variables()), parser, answers);
    }

    /// Runs the recorded turns.
    List<Episode> play(List<Map<String, Object>> chosen, AnswerForm answers) {
        var worlds = new Worlds(List.of(start -> tools(chosen.get(start.id().place()))), Map.of());
        try (var caller = new ToolCaller()) {
            return play(chosen, answers, worlds, caller);
        }
    }

    private List<Episode> play(
            List<Map<String, Object>> chosen,
            AnswerForm answers,
            Worlds worlds,
            ToolCaller caller) {
        var run =
                new EpisodeRun(
                        worlds,
                        format(answers),
                        settings(),
                        caller,
                        number("max_completion_length"),
                        number("context"));
        var sampler =
                new ScriptedSampler(
                        3, endIds(), (i, turn) -> ids(turns(chosen.get(i)).get(turn).get("ids")));
        return run.complete(tasks(chosen), sampler, EpisodeListener.NONE);
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
