package org.attune.agents.loop;

import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolFunction;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.json.Json;
import org.attune.text.ChatTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnParser;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A small chat format for tests: a template, its tokens, and a parser. Calls are
/// `<call>name {"a": 1}</call>`.
final class ToyChat {
    static final String END = "<|end|>";

    /// Writes reasoning, in brackets, into the last turn only.
    static final String TEMPLATE =
            """
            {%- for m in messages -%}
            <|start|>{{ m.role }}
            {% if m.reasoning_content and loop.last %}[{{ m.reasoning_content }}]{% endif -%}
            {{ m.content }}
            {%- for c in m.tool_calls or [] -%}
            <call>{{ c.function.name }} {{ c.function.arguments | tojson }}</call>
            {%- endfor -%}
            <|end|>
            {% endfor -%}
            {%- if add_generation_prompt -%}
            <|start|>assistant
            {% endif -%}
            """;

    private static final Pattern CALL = Pattern.compile("<call>(\\w+) (.*?)</call>");
    private static final Pattern REASONING = Pattern.compile("\\[(.*?)]");

    final GreedyTokens tokens =
            new GreedyTokens(
                    List.of(END, "<|start|>", "<|other|>"),
                    List.of("<call>", "</call>", "tool\n", "assistant\n", "\n\n", "answer"));
    final ChatTokenizer chat =
            new ChatTokenizer(
                    tokens, JinjaChatTemplate.compile("toy", TEMPLATE, SpecialTokens.none()));
    ScriptedSampler sampler;
    TurnParser parser = parser();
    EpisodeConfig config = EpisodeConfig.defaults();
    int maxCompletionLength = 2000;
    int context = 4000;
    int slots = 4;

    Set<Integer> endIds() {
        return Set.of(tokens.control(END), tokens.control("<|other|>"));
    }

    static TurnParser parser() {
        return (prefix, text, tools) -> {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("role", "assistant");
            String rest = text.replace(END, "").replace("<|other|>", "");
            Matcher reasoning = REASONING.matcher(rest);
            if (reasoning.find()) {
                fields.put("reasoning_content", reasoning.group(1));
                rest = rest.replace(reasoning.group(), "");
            }
            List<ToolCall> calls = new ArrayList<>();
            List<String> problems = new ArrayList<>();
            Matcher call = CALL.matcher(rest);
            while (call.find()) {
                try {
                    calls.add(
                            new ToolCall(
                                    Optional.empty(),
                                    call.group(1),
                                    Json.parse(call.group(2)),
                                    call.group()));
                } catch (RuntimeException e) {
                    problems.add("a call is no JSON");
                }
            }
            fields.put("content", rest.replaceAll("<call>.*?(</call>|$)", ""));
            if (!calls.isEmpty()) {
                fields.put("tool_calls", calls.stream().map(ToyChat::shown).toList());
            }
            return new ParsedTurn(new Message(fields), calls, problems, false);
        };
    }

    private static Object shown(ToolCall call) {
        return Map.of(
                "type",
                "function",
                "function",
                Map.of("name", call.name(), "arguments", call.arguments()));
    }

    static Tool tool(String name, ToolFunction does) {
        return Tool.of(spec(name), does);
    }

    static ToolSpec spec(String name) {
        return new ToolSpec(
                name,
                "Does it.",
                Map.of("type", "object", "properties", Map.of("a", Map.of("type", "integer"))));
    }

    static Worlds tools(Tool... tools) {
        return new Worlds(List.of(_ -> ToolSet.of(List.of(tools))), Map.of());
    }

    static Worlds environment(EnvironmentFactory factory) {
        return new Worlds(List.of(), Map.of("toy", factory));
    }

    static List<EpisodeTask> tasks(int count) {
        List<EpisodeTask> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tasks.add(
                    new EpisodeTask(
                            new EpisodeStart(new EpisodeId(3, i), Map.of("i", (long) i), 7, i, 0),
                            List.of(Message.of("user", "Say " + i)),
                            new int[] {1}));
        }
        return tasks;
    }

    /// Runs as many episodes as there are scripts.
    ///
    /// @param scripts of each the texts of its turns; those that don't end in an end token get one
    List<Episode> play(Worlds worlds, List<List<String>> scripts) {
        return play(
                worlds,
                scripts.size(),
                (i, turn) -> tokens.encode(ended(scripts.get(i).get(turn)), false));
    }

    private static String ended(String text) {
        return text.endsWith("<|other|>") ? text : text + END;
    }

    List<Episode> play(Worlds worlds, int count, ScriptedSampler.Script script) {
        try (var caller = new ToolCaller()) {
            sampler = new ScriptedSampler(slots, endIds(), script);
            var run =
                    new EpisodeRun(worlds, format(), config, caller, maxCompletionLength, context);
            return run.complete(tasks(count), sampler, EpisodeListener.NONE);
        }
    }

    EpisodeFormat format() {
        return new EpisodeFormat(
                chat,
                Map.of(),
                new TemplateCodec(chat, Map.of(), endIds()),
                parser,
                AnswerForm.PLAIN);
    }

    String text(int[] ids) {
        return tokens.decode(ids, false);
    }
}
