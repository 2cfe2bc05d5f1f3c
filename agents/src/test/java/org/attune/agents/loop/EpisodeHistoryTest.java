package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.error.ConfigException;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a turn follows where templates write less, or more, than what was said.
final class EpisodeHistoryTest {
    private static final Tool ECHO = ToyChat.tool("echo", (_, _) -> new ToolResult.Ok("so"));

    private final ToyChat toy = new ToyChat();

    private ChatTokenizer chat(String template) {
        return new ChatTokenizer(
                toy.tokens,
                CompleteTemplate.of(
                        JinjaChatTemplate.compile("toy", template, SpecialTokens.none())));
    }

    private EpisodeFormat format(String template) {
        ChatTokenizer chat = chat(template);
        return new EpisodeFormat(
                chat,
                Map.of(),
                new TemplateCodec(chat, Map.of(), toy.endIds()),
                ToyChat.parser(),
                AnswerForm.PLAIN);
    }

    /// As Llama's, it leaves out a text beside a call.
    @Test
    void aTurnThatTheTemplateCannotWriteStaysAsItWasSampled() {
        String template =
                "{{ tools | tojson }}"
                        + ToyChat.TEMPLATE.replace(
                                "{{ m.content }}",
                                "{% if not m.tool_calls %}{{ m.content }}{% endif %}");
        List<String> turns = List.of("Well.<call>echo {}</call>", "[hm]done");
        EpisodeConfig config = EpisodeConfig.defaults().withHistory(History.TEMPLATE);
        var sampler =
                new ScriptedSampler(
                        2,
                        toy.endIds(),
                        (_, turn) -> toy.tokens.encode(turns.get(turn) + ToyChat.END, false));
        try (var caller = new ToolCaller()) {
            var run =
                    new EpisodeRun(
                            new Worlds(List.of(_ -> ToolSet.of(List.of(ECHO))), Map.of()),
                            format(template),
                            config,
                            caller,
                            2000,
                            4000);
            Episode episode =
                    run.complete(ToyChat.tasks(1), sampler, EpisodeListener.NONE).getFirst();
            assertEquals(EndReason.ANSWERED, episode.end());
            assertEquals(1, episode.rows().size());
            assertEquals(
                    "Well.<call>echo {}</call><|end|>\n"
                            + "<|start|>tool\nso<|end|>\n<|start|>assistant\n[hm]done<|end|>",
                    toy.text(episode.completionIds()));
        }
    }

    @Test
    void aTemplateThatWritesNoCallsIsRefusedBeforeTheRun() {
        String template = ToyChat.TEMPLATE.replace("in m.tool_calls or []", "in []");
        try (var caller = new ToolCaller()) {
            var worlds = new Worlds(List.of(_ -> ToolSet.of(List.of(ECHO))), Map.of());
            EpisodeConfig config = EpisodeConfig.defaults().withHistory(History.TEMPLATE);
            EpisodeFormat format = format(template);
            String message =
                    assertThrows(
                                    ConfigException.class,
                                    () ->
                                            new EpisodeRun(
                                                    worlds, format, config, caller, 2000, 4000))
                            .getMessage();
            assertTrue(
                    message.startsWith(
                            "history is template, but the chat template toy can't render a turn"
                                    + " with a call and its answer anew: tool call 1 of message 2"),
                    message);
        }
    }

    /// As Command R+'s, it ends turns with calls by no token, writes a reminder behind every
    /// conversation, with the header's first token, and fails without tools.
    @Test
    void anAnswerBeginsWithItsHeaderWhateverElseWouldFollow() {
        String template =
                ToyChat.TEMPLATE
                        .replace("<|end|>\n", "{% if not m.tool_calls %}<|end|>{% endif %}\n")
                        .replace(
                                "{%- if add_generation_prompt",
                                "<|start|>tools\n{% for t in tools %}{{ t.function.name }}"
                                        + "{% endfor %}<|end|>\n{% if add_generation_prompt")
                        .replace(
                                "{%- for m in messages",
                                "{{ tools | length }}\n{%- for m in messages");
        var codec = new TemplateCodec(chat(template), Map.of(), toy.endIds());
        codec.check();
        int[] turn = toy.tokens.encode("<call>echo {}</call>" + ToyChat.END, false);
        var call = new ToolCall(Optional.empty(), "echo", Map.of(), "");
        String behindCall =
                toy.text(codec.observation(turn, List.of(call), List.of(Message.of("tool", "so"))));
        assertTrue(behindCall.stripLeading().startsWith("<|start|>tool\nso<|end|>"), behindCall);
        // Without a call there is no tool to name, and the template wants one.
        String behindText =
                toy.text(codec.observation(turn, List.of(), List.of(Message.of("user", "more"))));
        assertTrue(behindText.contains("<|start|>user\nmore<|end|>"), behindText);
    }
}
