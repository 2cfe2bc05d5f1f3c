package org.attune.text.parse.protocol;

import org.attune.error.DatasetException;
import org.attune.json.Json;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.family.Family;
import org.attune.text.parse.turn.FormatParser;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Finds out what a chat template writes by rendering small conversations with it.
final class TemplateProbe {
    private static final String TOOL = "attune_probe";
    private static final String KEY = "word";
    private static final String VALUE = "qzQ7Zx";
    private static final String ANSWER = "xQq9zz";

    private final ChatTemplate template;
    private final boolean needsTools;
    private final String user;
    private final String prompt;
    private final String answer;
    private final Set<String> headers = new LinkedHashSet<>();
    private final Set<String> ends = new LinkedHashSet<>();

    TemplateProbe(ChatTemplate template) {
        this.template = template;
        // a template made for tools may fail without them
        this.needsTools = render(List.of(question()), false, Tail.NOTHING).isEmpty();
        this.user = render(List.of(question()), needsTools, Tail.NOTHING).orElse("");
        this.prompt =
                render(List.of(question()), needsTools, Tail.GENERATION_PROMPT)
                        .map(this::behindUser)
                        .orElse("");
        this.answer =
                render(
                                List.of(question(), Message.of("assistant", ANSWER)),
                                needsTools,
                                Tail.NOTHING)
                        .map(this::behindUser)
                        .orElse("");
        findHeaders();
    }

    private static Message question() {
        return Message.of("user", "Hello");
    }

    /// What an assistant's turn begins with.
    Set<String> headers() {
        return headers;
    }

    /// What the template's turns end with.
    Set<String> ends() {
        return ends;
    }

    private void findHeaders() {
        header(prompt);
        int start = answer.indexOf(ANSWER);
        if (start >= 0) {
            header(answer.substring(0, start));
            String end = answer.substring(start + ANSWER.length()).strip();
            String first = firstToken(end.split("\\s", 2)[0]);
            if (!first.isEmpty()) {
                ends.add(first);
            }
        }
    }

    /// A template may write further tokens behind an end token, as Command R+'s does behind every
    /// conversation.
    private static String firstToken(String text) {
        int close = text.startsWith("<") ? text.indexOf('>') : -1;
        return close < 0 ? text : text.substring(0, close + 1);
    }

    /// Whether a prompt ends with a text that holds this.
    boolean writesInPrompts(String text) {
        return prompt.contains(text);
    }

    /// Whether this stands before an answer.
    boolean writesBeforeAnswers(String text) {
        int start = answer.indexOf(ANSWER);
        return start >= 0 && answer.substring(0, start).contains(text);
    }

    /// Whether the template writes a call with this text.
    boolean writes(String text) {
        return calls().stream().anyMatch(call -> call.contains(text));
    }

    private void header(String text) {
        String header = text;
        for (Family family : Families.all()) {
            for (List<String> thought : family.thoughts()) {
                int open = header.indexOf(thought.getFirst());
                header =
                        open < 0 || thought.getFirst().isEmpty()
                                ? header
                                : header.substring(0, open);
            }
        }
        if (!header.isBlank()) {
            headers.add(header.strip());
        }
    }

    private String behindUser(String text) {
        int common = 0;
        while (common < Math.min(user.length(), text.length())
                && user.charAt(common) == text.charAt(common)) {
            common++;
        }
        int token = text.lastIndexOf('<', common);
        boolean isWithinToken = token >= 0 && token < common && text.indexOf('>', token) >= common;
        return text.substring(isWithinToken ? token : common);
    }

    /// The family whose parser reads a call that the template writes; if it writes none, the one
    /// whose marks it holds.
    Optional<Family> family() {
        for (String call : calls()) {
            for (Family family : Families.all()) {
                if (reads(family, call)) {
                    return Optional.of(family);
                }
            }
        }
        String source = template.source();
        return Families.all().stream()
                .filter(family -> family.signs().stream().anyMatch(source::contains))
                .findFirst();
    }

    private boolean reads(Family family, String call) {
        var parser = new FormatParser(family.format(ends, headers));
        return parser.parse("", withoutHeader(family, call)).calls().stream()
                .anyMatch(c -> c.name().equals(TOOL) && VALUE.equals(c.named().get(KEY)));
    }

    private String withoutHeader(Family family, String call) {
        var all = new ArrayList<>(headers);
        all.addAll(family.headers());
        String text = call;
        for (String header : all) {
            int start = text.indexOf(header);
            text = start < 0 ? text : text.substring(start + header.length());
        }
        return text;
    }

    /// What the template writes for a call, in the ways it may want to have it.
    private List<String> calls() {
        var calls = new ArrayList<String>();
        for (Object arguments : List.of(Map.of(KEY, VALUE), Json.write(Map.of(KEY, VALUE)))) {
            for (boolean withTools : new boolean[] {true, false}) {
                render(List.of(question(), call(arguments)), withTools, Tail.NOTHING)
                        .map(text -> behind(text, withTools))
                        .filter(text -> text.contains(VALUE))
                        .ifPresent(calls::add);
            }
        }
        return calls;
    }

    private String behind(String text, boolean withTools) {
        String before = render(List.of(question()), withTools, Tail.NOTHING).orElse("");
        return text.startsWith(before) ? text.substring(before.length()) : behindUser(text);
    }

    private static Message call(Object arguments) {
        return ToolCall.message(
                List.of(new ToolCall(Optional.of("call00000"), TOOL, arguments, "")));
    }

    /// Whether the template tells a model of tools.
    boolean showsTools() {
        return render(List.of(question()), true, Tail.GENERATION_PROMPT)
                .filter(text -> text.contains(TOOL))
                .isPresent();
    }

    /// Whether the template takes a system message.
    boolean showsSystem() {
        return render(
                        List.of(Message.of("system", ANSWER), question()),
                        needsTools,
                        Tail.GENERATION_PROMPT)
                .filter(text -> text.contains(ANSWER))
                .isPresent();
    }

    private Optional<String> render(List<Message> messages, boolean withTools, Tail tail) {
        try {
            List<Object> tools = withTools ? List.of(tool()) : List.of();
            var conversation = new Conversation(messages, tools, Map.of());
            return Optional.of(template.render(conversation, tail).text());
        } catch (DatasetException e) {
            return Optional.empty(); // a template may refuse what it wasn't made for
        }
    }

    private static Object tool() {
        return Json.parse(
                """
                {"type": "function", "function": {"name": "%s", "description": "Tries.",
                 "parameters": {"type": "object", "properties": {"%s": {"type": "string",
                  "description": "A word."}}, "required": ["%s"]}}}
                """
                        .formatted(TOOL, KEY, KEY));
    }
}
