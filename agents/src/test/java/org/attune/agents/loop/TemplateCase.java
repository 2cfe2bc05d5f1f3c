package org.attune.agents.loop;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.testing.Fixtures;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.HfTokenizer;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.Tokenizer;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.protocol.ToolProtocols;
import org.attune.text.parse.protocol.TurnParsers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A recorded chat template that knows tools, with a tokenizer that has its control tokens.
final class TemplateCase implements AutoCloseable {
    /// Tokens of a model for all of them.
    static final int VOCABULARY = 1200;

    /// The tool that turns call, with all that templates ask of one.
    static final Tool TOOL =
            Tool.of(
                    new ToolSpec(
                            "look",
                            "Looks.",
                            Map.of(
                                    "type",
                                    "object",
                                    "properties",
                                    Map.of(
                                            "a",
                                            Map.of("type", "integer", "description", "What.")))),
                    (_, _) -> new ToolResult.Ok("4 größer"));

    /// What looks like a control token in a template's text.
    private static final Pattern CONTROL =
            Pattern.compile("<\\|[\\w/]+\\|?>|<[\\w/]+\\|>|<｜[^｜<>\"']+｜>|\\[/?[A-Z_]{3,}]");

    private final String source;
    private final HfTokenizer tokens;
    private final ChatTokenizer chat;
    private final ToolProtocol protocol;
    private final Set<Integer> endIds;

    /// All templates of the recorded folders that mention tools.
    static List<Path> files() throws IOException {
        List<Path> all = new ArrayList<>();
        for (String folder : List.of("text/templates", "agents/tokenizers")) {
            try (Stream<Path> files = Files.walk(Fixtures.fixture(folder))) {
                for (Path file :
                        files.filter(f -> f.toString().endsWith(".jinja")).sorted().toList()) {
                    if (Files.readString(file).contains("tool")) {
                        all.add(file);
                    }
                }
            }
        }
        return all;
    }

    TemplateCase(Path file) throws IOException {
        source = Files.readString(file);
        var specials = new SpecialTokens(Map.of("bos_token", "<BOS>", "eos_token", "<EOS>"));
        Set<String> controls = new LinkedHashSet<>(List.of("<BOS>", "<EOS>"));
        CONTROL.matcher(source).results().forEach(hit -> controls.add(hit.group()));
        Set<String> ends =
                ToolTemplatesFixtureTest.ENDS.stream()
                        .filter(source::contains)
                        .collect(Collectors.toCollection(LinkedHashSet::new));
        controls.addAll(ends);
        if (source.contains("eos_token")) {
            ends.add("<EOS>");
        }
        tokens =
                HfTokenizer.of(
                        file.toString(),
                        with(
                                controls,
                                Files.readString(
                                        Fixtures.fixture("agents/tokenizers/tokenizer.json"))),
                        specials);
        endIds =
                ends.stream()
                        .map(tokens::id)
                        .map(OptionalInt::getAsInt)
                        .collect(Collectors.toUnmodifiableSet());
        ChatTemplate template = JinjaChatTemplate.compile(file.toString(), source, specials);
        protocol =
                new ToolProtocols(TurnParsers.of(tokens, specials, false))
                        .of(ToolProtocols.Choice.AUTO, Optional.of(template));
        chat = new ChatTokenizer(tokens, CompleteTemplate.of(protocol.over(template)));
    }

    /// The description of a tokenizer with further control tokens.
    private static String with(Set<String> controls, String json) {
        Map<String, Object> all = EpisodeCase.object(Json.parse(json));
        List<Map<String, Object>> added =
                new ArrayList<>(EpisodeCase.objects(all.get("added_tokens")));
        int next =
                1
                        + added.stream()
                                .mapToInt(a -> ((Number) a.get("id")).intValue())
                                .max()
                                .orElseThrow();
        Set<Object> known = added.stream().map(a -> a.get("content")).collect(Collectors.toSet());
        for (String control : controls) {
            if (!known.contains(control)) {
                var token = new LinkedHashMap<>(added.getFirst());
                token.put("id", next++);
                token.put("content", control);
                added.add(token);
            }
        }
        if (next > VOCABULARY) {
            throw new ConfigException(next + " tokens; the model has " + VOCABULARY);
        }
        var changed = new LinkedHashMap<>(all);
        changed.put("added_tokens", added);
        return Json.write(changed);
    }

    Tokenizer tokens() {
        return tokens;
    }

    Set<Integer> endIds() {
        return endIds;
    }

    /// With a parser that takes every other turn, by its text, for a call: a model that knows
    /// nothing makes none.
    EpisodeFormat format() {
        TurnParser own = protocol.parser();
        TurnParser calling =
                (prefix, text, tools) -> {
                    ParsedTurn turn = own.parse(prefix, text, tools);
                    return text.length() % 2 == 0 ? turn : calling(turn);
                };
        return new EpisodeFormat(
                chat,
                Map.of(),
                new TemplateCodec(chat, Map.of(), endIds),
                calling,
                AnswerForm.PLAIN);
    }

    private ParsedTurn calling(ParsedTurn turn) {
        var call = new ToolCall(Optional.of("call12345"), TOOL.spec().name(), Map.of(), "");
        Map<String, Object> fields = new LinkedHashMap<>(ToolCall.message(List.of(call)).fields());
        if (!turn.reasoning().isEmpty() && source.contains("reasoning_content")) {
            fields.put("reasoning_content", turn.reasoning());
        }
        return new ParsedTurn(new Message(fields), List.of(call), List.of(), false);
    }

    @Override
    public void close() {
        tokens.close();
    }
}
