package org.attune.model.config;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Finds what the file of a model says otherwise than the model's configuration.
///
/// @param config  of the model
/// @param read    of the file
/// @param context longest text of the file
record GgufAgreement(DecoderConfig config, DecoderConfig read, int context) {
    /// What differs, in words; empty: nothing does.
    List<String> others() {
        List<String> others = new ArrayList<>();
        SameNumbers.compare("", config, read, others);
        for (int layer = 0; layer < config.layers(); layer++) {
            int own = seen(config, layer);
            if (own != seen(read, layer)) {
                others.add("the window of layer %d, %d tokens".formatted(layer, own));
                break;
            }
        }
        if (config.rotates() && read.rotates()) {
            compare(config.rope(), read.rope(), config.attention().rotatedHead(), others);
        } else if (config.rotates() != read.rotates()) {
            others.add("whether positions rotate");
        }
        return others;
    }

    /// Tokens that a layer sees of a text that is as long as the file says; 0: all.
    private int seen(DecoderConfig of, int layer) {
        int window = of.attention().windows().get(layer);
        return window >= context ? 0 : window;
    }

    private void compare(RopeConfig a, RopeConfig b, int head, List<String> others) {
        for (int length : new int[] {1, context}) {
            RopeTable own = RopeTable.of(a, head, length);
            RopeTable said = RopeTable.of(b, head, length);
            boolean same =
                    SameNumbers.close(own.attentionScaling(), said.attentionScaling())
                            && own.inverseFrequencies().length == said.inverseFrequencies().length
                            && IntStream.range(0, own.inverseFrequencies().length)
                                    .allMatch(
                                            i ->
                                                    SameNumbers.close(
                                                            own.inverseFrequencies()[i],
                                                            said.inverseFrequencies()[i]));
            if (!same) {
                others.add("frequencies of positions in texts of %,d tokens".formatted(length));
                return;
            }
        }
        double base = a.exceptions().windowTheta().orElse(0);
        if (!SameNumbers.close(base, b.exceptions().windowTheta().orElse(0))) {
            others.add("the base of positions in layers with a window");
        }
        if (!a.exceptions().still().equals(b.exceptions().still())) {
            others.add("layers that rotate nothing");
        }
        SameNumbers.compare("growth of queries", a.growth(), b.growth(), others);
        if (a.pairs() != b.pairs()) {
            others.add("which features are rotated together");
        }
    }
}
