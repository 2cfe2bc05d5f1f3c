package org.attune.trainers.examples;

import java.util.List;

/// What counts as one row of a batch: one document, or the documents that packing put together.
/// Documents don't see each other.
public record PackedRow(List<SftExample> documents) implements TrainingRow {
    public PackedRow {
        documents = List.copyOf(documents);
    }

    /// The documents' ids.
    @Override
    public List<int[]> sequences() {
        return documents.stream().map(SftExample::ids).toList();
    }

    /// Where the documents come from.
    @Override
    public List<String> origins() {
        return documents.stream().map(document -> document.origin().where()).toList();
    }

    /// The first document's last answer.
    @Override
    public List<GivenAnswer> answers() {
        return documents.getFirst().lastAnswer().stream()
                .map(tokens -> new GivenAnswer("completion", tokens))
                .toList();
    }

    /// Number of tokens.
    @Override
    public int length() {
        return documents.stream().mapToInt(SftExample::length).sum();
    }

    /// Number of tokens that are predicted and count in the loss.
    public int trainedTokens() {
        return documents.stream().mapToInt(SftExample::trainedTokens).sum();
    }

    /// Sum of their weights.
    public double trainedWeight() {
        return documents.stream().mapToDouble(SftExample::trainedWeight).sum();
    }

    /// The weights of these tokens in their order; empty: 1 each.
    public float[] targetWeights() {
        if (documents.stream().noneMatch(SftExample::isWeighted)) {
            return new float[0];
        }
        float[] weights = new float[trainedTokens()];
        int target = 0;
        for (SftExample document : documents) {
            for (int i = 1; i < document.length(); i++) {
                if (document.completionMask()[i]) {
                    weights[target++] = document.weight(i);
                }
            }
        }
        return weights;
    }
}
