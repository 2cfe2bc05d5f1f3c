package org.attune.trainers.prepare;

import org.attune.error.DatasetException;
import org.attune.text.AssistantMask;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// How much the messages of a conversation count in the loss: OpenAI's `weight` and LLaMA-Factory's
/// `loss_weight` (a number, 0 leaves the message out), Axolotl's `train` and ms-swift's `loss`
/// (true or false). Only what the assistant says can have another weight than the rest.
///
/// @param messages without these fields, as a template gets them
/// @param weights  of the assistant's messages, in their order
@SuppressWarnings("ArrayRecordComponent") // a named tuple inside the package, never compared
record MessageWeights(List<Message> messages, float[] weights) {
    private static final List<String> NUMBERS = List.of("weight", "loss_weight");
    private static final List<String> SWITCHES = List.of("train", "loss");
    private static final List<String> UNREAD = List.of("train_detail", "training_detail");
    private static final Set<String> FIELDS = Set.of("weight", "loss_weight", "train", "loss");

    /// Reads the fields of all messages.
    ///
    /// @param untrained messages at the beginning that don't count whatever they weigh
    /// @param assistantOnly whether only the assistant's messages count
    /// @throws DatasetException naming the message whose weight can't be obeyed
    static MessageWeights of(List<Message> given, int untrained, boolean assistantOnly) {
        List<Message> messages = new ArrayList<>();
        List<Float> weights = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            Message message = given.get(i);
            Optional<Double> weight = weight(message, i + 1);
            if (message.role().equals("assistant")) {
                weights.add(weight.orElse(1.0).floatValue());
            } else if (weight.isPresent() && i >= untrained) {
                requireObeyed(message, i + 1, weight.get(), assistantOnly);
            }
            messages.add(weight.isPresent() ? without(message) : message);
        }
        float[] array = new float[weights.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = weights.get(i);
        }
        return new MessageWeights(messages, array);
    }

    /// Refuses weights of completions where nothing reads them.
    static void requireNone(List<Message> messages) {
        for (int i = 0; i < messages.size(); i++) {
            Optional<Double> weight = weight(messages.get(i), i + 1);
            if (weight.isPresent() && weight.get() != 1) {
                throw fault(i + 1, "has a weight in the loss, which only sft obeys; remove it");
            }
        }
    }

    private static Optional<Double> weight(Message message, int number) {
        Map<String, Object> fields = message.fields();
        for (String field : UNREAD) {
            if (fields.get(field) != null) {
                throw fault(number, "has " + field + ", which is not read; use weight or train");
            }
        }
        Optional<Double> weight = Optional.empty();
        for (String field : NUMBERS) {
            if (fields.get(field) != null) {
                double own =
                        LossWeight.of(
                                "message %d has the %s".formatted(number, field),
                                fields.get(field));
                if (weight.isPresent() && weight.get() != own) {
                    throw fault(number, "has weight and loss_weight, which differ");
                }
                weight = Optional.of(own);
            }
        }
        for (String field : SWITCHES) {
            if (fields.get(field) == null) {
                continue;
            }
            if (!(fields.get(field) instanceof Boolean counts)) {
                throw fault(
                        number,
                        "has %s: %s; accepted: true or false".formatted(field, fields.get(field)));
            }
            if (weight.isPresent() && counts != weight.get() > 0) {
                throw fault(
                        number,
                        "has %s: %s beside another field that says the opposite"
                                .formatted(field, counts));
            }
            weight = weight.isPresent() ? weight : Optional.of(counts ? 1.0 : 0.0);
        }
        return weight;
    }

    private static void requireObeyed(
            Message message, int number, double weight, boolean assistantOnly) {
        if (weight == (assistantOnly ? 0 : 1)) {
            return;
        }
        throw fault(
                number,
                "has the role %s and the weight %s in the loss; %s"
                        .formatted(
                                message.role(),
                                weight,
                                assistantOnly
                                        ? "assistant_only_loss: true leaves it out, so only 0 or"
                                                + " train: false is accepted"
                                        : "only messages of the assistant can have another than"
                                                + " 1: set assistant_only_loss: true to train"
                                                + " on them alone"));
    }

    private static Message without(Message message) {
        Map<String, Object> fields = new LinkedHashMap<>(message.fields());
        fields.keySet().removeAll(FIELDS);
        return new Message(fields);
    }

    private static DatasetException fault(int number, String what) {
        return new DatasetException("message %d %s".formatted(number, what));
    }

    /// Whether any message counts other than in full.
    boolean areUneven() {
        for (float weight : weights) {
            if (weight != 1) {
                return true;
            }
        }
        return false;
    }

    /// The weight of each token, `(T)`: 1 where the assistant doesn't speak.
    ///
    /// @throws DatasetException if it can't be told which message a token belongs to
    float[] ofTokens(AssistantMask.Known spoken) {
        if (spoken.spans() != weights.length) {
            throw new DatasetException(
                    "weights of messages: the chat template marks %d parts as the assistant's, but %d messages are; use a template with one {%% generation %%} block for each"
                            .formatted(spoken.spans(), weights.length));
        }
        float[] each = new float[spoken.turns().length];
        for (int i = 0; i < each.length; i++) {
            each[i] = spoken.turns()[i] < 0 ? 1 : weights[spoken.turns()[i]];
        }
        return each;
    }
}
