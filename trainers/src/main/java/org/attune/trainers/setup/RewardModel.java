package org.attune.trainers.setup;

import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.files.HubCache;
import org.attune.model.Decoder;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.TokenForest;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.tensor.TensorScope;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.trainers.batch.TokenBudget;
import org.attune.trainers.config.ModelConfig;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// A reward model that judges completions: its score of prompt and completion, rendered by its own
/// chat template and encoded by its own tokenizer, as in TRL. Use it on the engine thread. Owns its
/// parts.
final class RewardModel implements AutoCloseable {
    private static final int REWARD = 0; // the one label

    private final ModelSetup setup;
    private final Decoder decoder;
    private final Optional<Policy> adapted;

    private RewardModel(ModelSetup setup, Decoder decoder, Optional<Policy> adapted) {
        this.setup = setup;
        this.decoder = decoder;
        this.adapted = adapted;
    }

    /// Whether a folder holds a model or an adapter.
    static boolean isModelFolder(Path folder) {
        return Files.exists(folder.resolve("config.json"))
                || Files.exists(folder.resolve("adapter_config.json"));
    }

    /// Loads a reward model, or an adapter with its base.
    ///
    /// @param like says device and number format
    /// @throws ConfigException if it isn't a reward model with one label
    static RewardModel open(Path folder, ModelConfig like, HubCache hub) {
        ModelSetup setup = ModelSetup.open(config(folder, like), hub);
        try {
            if (setup.labels() != 1) {
                throw new ConfigException(
                        ("%s is no reward model: it has %s; train one with attune reward, or give a"
                                        + " sequence-classification model with one label")
                                .formatted(
                                        folder,
                                        setup.labels() == 0
                                                ? "no score head"
                                                : setup.labels() + " labels"));
            }
            return loaded(setup, setup.loadAsIs());
        } catch (RuntimeException e) {
            setup.close();
            throw e;
        }
    }

    private static RewardModel loaded(ModelSetup setup, Decoder decoder) {
        try {
            return new RewardModel(
                    setup,
                    decoder,
                    setup.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults())));
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
    }

    /// How a folder is opened.
    ///
    /// @param folder of a model, or of an adapter that names its base
    /// @param like says device and number format
    static ModelConfig config(Path folder, ModelConfig like) {
        String name = folder.toString();
        ModelConfig config;
        if (Files.exists(folder.resolve("config.json"))) {
            config = ModelConfig.of(name);
        } else {
            String base =
                    LoraConfig.read(folder)
                            .baseModel()
                            .orElseThrow(
                                    () ->
                                            new ConfigException(
                                                    name
                                                            + "/adapter_config.json names no"
                                                            + " base_model_name_or_path"));
            config = ModelConfig.of(base).withAdapterNameOrPath(name);
        }
        return config.withDevice(like.device()).withDtype(like.dtype());
    }

    /// One score per completion, `(n)`. Neighbours with the same prompt share its computation.
    double[] score(RewardBatch batch) {
        double[] scores = new double[batch.size()];
        List<int[]> ids = new ArrayList<>();
        for (int i = 0; i < scores.length; i++) {
            ids.add(ids(batch.prompts().get(i), batch.completions().get(i)));
        }
        int done = 0;
        while (done < scores.length) {
            var builder = TokenForest.builder();
            int next = done;
            while (next < scores.length
                    && (next == done || builder.size() < TokenBudget.DEFAULT_TOKENS)) {
                int end = next + 1;
                while (end < scores.length
                        && batch.prompts().get(end).equals(batch.prompts().get(next))) {
                    end++;
                }
                add(builder, ids.subList(next, end));
                next = end;
            }
            try (var _ = TensorScope.open("reward.model")) {
                float[] values =
                        scorer().measure(builder.build(), HeadRequest.of()).tokenLogProbs();
                for (int i = done; i < next; i++) {
                    scores[i] = values[i - done];
                }
            }
            done = next;
        }
        return scores;
    }

    private Scorer scorer() {
        return adapted.<Scorer>map(policy -> policy).orElseGet(() -> Policy.reference(decoder));
    }

    private void add(TokenForest.Builder builder, List<int[]> group) {
        int shared = setup.sharesPrompts() && group.size() > 1 ? commonPrefix(group) : 0;
        int root =
                shared > 0
                        ? builder.root(Arrays.copyOf(group.getFirst(), shared))
                        : TokenForest.ROOT;
        for (int[] ids : group) {
            int[] own = Arrays.copyOfRange(ids, shared, ids.length);
            builder.score(shared > 0 ? builder.child(root, own) : builder.root(own), REWARD);
        }
    }

    private static int commonPrefix(List<int[]> group) {
        int[] first = group.getFirst();
        int shared = first.length;
        for (int[] other : group) {
            int difference = Arrays.mismatch(first, other);
            shared = difference < 0 ? shared : Math.min(shared, difference);
        }
        return shared;
    }

    private int[] ids(Prompt prompt, Completion completion) {
        if (completion.messages().isEmpty()) {
            return setup.text().tokenizer().encode(prompt.text() + completion.text(), false);
        }
        var template =
                setup.text()
                        .template()
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                setup.source().path()
                                                        + " has no chat template, but the prompts"
                                                        + " are conversations"));
        List<Message> messages = new ArrayList<>(prompt.messages());
        messages.addAll(completion.messages());
        return new ChatTokenizer(setup.text().tokenizer(), template)
                .encode(Conversation.of(messages), ChatTemplate.Tail.NOTHING)
                .ids();
    }

    @Override
    public void close() {
        adapted.ifPresent(Policy::close);
        decoder.close();
        setup.close();
    }
}
