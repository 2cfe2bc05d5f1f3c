package org.attune.trainers.opening;

import org.attune.agents.loop.AnswerForm;
import org.attune.agents.loop.EpisodeFormat;
import org.attune.agents.loop.TemplateCodec;
import org.attune.agents.loop.TrlCodec;
import org.attune.agents.loop.TurnCodec;
import org.attune.models.ModelSetup;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.TextAssets;
import org.attune.text.parse.ToolProtocol;
import org.attune.trainers.onpolicy.AgentConfig;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// How a run's model is told of tools, and how its turns are read.
///
/// @param agent of the run
/// @param text tokenizer and chat template; borrowed
/// @param protocol in use
record AgentText(AgentConfig agent, TextAssets text, ToolProtocol protocol) {
    /// @param model borrowed
    /// @throws org.attune.error.ConfigException if `tool_protocol` needs what the model doesn't
    ///     have
    static AgentText of(AgentConfig agent, ModelSetup model) {
        return new AgentText(agent, model.bareText(), model.toolProtocol(agent.play().trlCompat()));
    }

    /// The chat template with the protocol; empty without a template.
    Optional<ChatTemplate> template() {
        return text.template().map(protocol::over);
    }

    /// Texts that end a turn beside the model's end tokens.
    List<String> stops() {
        return protocol.stops();
    }

    /// How messages become tokens, and tokens messages.
    ///
    /// @param endIds tokens that end a turn
    EpisodeFormat format(Set<Integer> endIds) {
        var chat =
                new ChatTokenizer(text.tokenizer(), CompleteTemplate.of(template().orElseThrow()));
        TurnCodec codec =
                agent.play().trlCompat()
                        ? new TrlCodec(chat, agent.chatTemplateKwargs())
                        : new TemplateCodec(chat, agent.chatTemplateKwargs(), endIds);
        return new EpisodeFormat(
                chat, agent.chatTemplateKwargs(), codec, protocol.parser(), AnswerForm.PLAIN);
    }
}
