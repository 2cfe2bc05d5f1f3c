package org.attune.trainers.distillation;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.Shaped;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Prepares prompts for a model that teaches itself: beside each prompt stands the one that the
/// teacher reads, into which a template puts what the student isn't told.
///
/// @param prompts prepares both
/// @param template with `{prompt}` and `{privileged_context}`; `{{` and `}}` are braces
record TaughtPrompts(PromptPreparation prompts, String template)
        implements RowPreparation<PromptExample> {
    /// Column of what the student isn't told.
    static final String COLUMN = "privileged_context";

    private static final String PROMPT = "{prompt}";
    private static final String TOLD = "{" + COLUMN + "}";
    private static final Pattern FIELD =
            Pattern.compile("\\{\\{|\\}\\}|\\{prompt\\}|\\{" + COLUMN + "\\}");

    /// What doesn't fit of a template.
    static Optional<ConfigProblem> problem(String template) {
        boolean stray = FIELD.matcher(template).replaceAll("").matches("(?s).*[{}].*");
        return template.contains(PROMPT) && template.contains(TOLD) && !stray
                ? Optional.empty()
                : Optional.of(
                        new ConfigProblem(
                                "teacher_prompt_template",
                                template,
                                "a text with {prompt} and {privileged_context}; {{ and }} stand"
                                        + " for single braces"));
    }

    @Override
    public BadRowPolicy onBadRow() {
        return prompts.onBadRow();
    }

    @Override
    public Shaped<PromptExample> shape(Sample sample) {
        return switch (prompts.shape(sample)) {
            case Shaped.Kept<PromptExample>(PromptExample own, int before, int after) ->
                    switch (prompts.shape(taught(sample, own))) {
                        case Shaped.Kept<PromptExample>(PromptExample read, _, _) ->
                                new Shaped.Kept<>(own.withTaught(read), before, after);
                        case Shaped.Left<PromptExample>(_, String detail) ->
                                new Shaped.Left<>(
                                        "the teacher's prompt is longer than max_prompt_length",
                                        detail);
                    };
            case Shaped.Left<PromptExample> left -> left;
        };
    }

    private Sample taught(Sample sample, PromptExample own) {
        String told = told(sample.row().columns().get(COLUMN));
        Content content =
                own.isConversational()
                        ? new Content.Turns(turns(own.messages(), told))
                        : new Content.Text(filled(own.text(), told));
        return new Sample.PromptOnly(content, sample.options(), sample.row());
    }

    /// Turns of which the last has its text put into the template.
    private List<Message> turns(List<Message> turns, String told) {
        Message last = turns.getLast();
        if (!last.role().equals("user")) {
            throw new DatasetException(
                    "the prompt ends with a message of %s; accepted: of user, whose text goes into teacher_prompt_template"
                            .formatted(last.role()));
        }
        List<Message> all = new ArrayList<>(turns.subList(0, turns.size() - 1));
        all.add(Message.of("user", filled(last.content(), told)));
        return all;
    }

    private String filled(String prompt, String told) {
        return FIELD.matcher(template)
                .replaceAll(found -> Matcher.quoteReplacement(part(found, prompt, told)));
    }

    private static String part(MatchResult found, String prompt, String told) {
        return switch (found.group()) {
            case "{{" -> "{";
            case "}}" -> "}";
            case PROMPT -> prompt;
            default -> told;
        };
    }

    /// A text as it is, of messages their texts in lines.
    private static String told(Object value) {
        return switch (value) {
            case String text -> text;
            case List<?> messages
                    when !messages.isEmpty()
                            && messages.stream().allMatch(TaughtPrompts::isMessage) ->
                    messages.stream()
                            .map(m -> (String) ((Map<?, ?>) m).get("content"))
                            .filter(text -> !text.isEmpty())
                            .collect(Collectors.joining("\n"));
            case null, default ->
                    throw new DatasetException(
                            "%s is %s; accepted: a text, or a list of messages, which the teacher reads and the student doesn't"
                                    .formatted(COLUMN, value == null ? "missing" : value));
        };
    }

    private static boolean isMessage(Object value) {
        return value instanceof Map<?, ?> message && message.get("content") instanceof String;
    }

    @Override
    public long trained(PromptExample prompt) {
        return prompts.trained(prompt);
    }

    @Override
    public String refusal() {
        return "the row can't be taught";
    }

    @Override
    public String limit() {
        return prompts.limit();
    }
}
