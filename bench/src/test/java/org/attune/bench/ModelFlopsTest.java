package org.attune.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.policy.StepMemory;
import org.attune.policy.TokenForest;
import org.attune.tensor.DType;
import org.attune.trainers.loop.PassWork;
import org.junit.jupiter.api.Test;

import java.util.Map;

class ModelFlopsTest {
    /// Width 4, inner 6, 2 blocks, 2 query heads and 1 key head of 2 features, 10 tokens, tied.
    private static final ModelShape SHAPE = new ModelShape(4, 6, 2, 2, 1, 2, 16, true);

    private final ModelFlops flops = new ModelFlops(SHAPE.config(), 3);

    @Test
    void weightsAreCountedByHand() {
        // A block: q 4·4, k and v 4·2 each, o 4·4, gate, up and down 4·6 each.
        assertEquals(2 * (16 + 8 + 8 + 16 + 3 * 24), flops.blockWeights());
        // Rank 3 on q (4+4), k and v (4+2), o (4+4), gate, up and down (4+6).
        assertEquals(2 * 3 * (8 + 6 + 6 + 8 + 3 * 10), flops.adapterWeights());
        assertEquals(4 * 16, flops.headWeights());
        assertEquals(240 + 64, flops.allWeights());
    }

    @Test
    void aPassIsCountedByHand() {
        var work = new PassWork(1, 5, 15, 2);
        double products = 2 * 5 * 240;
        double adapter = 2 * 5 * 348;
        double attention = 2 * 2 * 15 * 4 * 2; // scores and their sum over 4 columns, 2 blocks
        double head = 2 * 2 * 64;
        assertEquals(products + attention + head, flops.measure(work, false));
        assertEquals(products + adapter + attention + head, flops.measure(work, true));
        assertEquals(products + adapter + attention + 2 * head, flops.forward(work));
        assertEquals(products + 2 * adapter + 2 * attention, flops.backward(work));
        assertEquals(attention / 2, flops.recomputed(work, PassWork.NONE));
        double again = products - 2 * 5 * 2 * 24 + adapter + attention; // not the down projection
        assertEquals(attention / 2 + again, flops.recomputed(work, work));
        var part = new Recomputation.Shares(0.4, 0.4);
        assertEquals(attention / 2 + 0.4 * again, flops.recomputed(work, work.times(part)));
        var withoutAttention = new Recomputation.Shares(0.4, 0);
        assertEquals(
                attention / 2 + 0.4 * (again - attention),
                flops.recomputed(work, work.times(withoutAttention)));
    }

    @Test
    void whatGenerationMadeIsNoPartOfTheForwardPass() {
        var work = new PassWork(1, 5, 15, 2);
        double head = 2 * 2 * 64;
        for (long targets : new long[] {0, 2}) { // whose logits were kept
            var passes = Map.of("forward", work, "reused", new PassWork(1, 5, 15, targets));
            double left = targets == 0 ? 2 * head : head;
            assertEquals(left, flops.byPhase(passes, 0).get("forward"), 1e-6);
        }
    }

    /// Two products of a matrix's size beside the forward pass's: the gradients of its input and of
    /// itself.
    @Test
    void allWeightsAreCountedByHand() {
        var all = new ModelFlops(SHAPE.config(), 0);
        var work = new PassWork(1, 5, 15, 2);
        double products = 2 * 5 * 240;
        double attention = 2 * 2 * 15 * 4 * 2;
        double head = 2 * 2 * 64;
        assertEquals(products + attention + head, all.forward(work));
        assertEquals(2 * products + 2 * attention + 2 * head, all.backward(work));
        assertEquals(attention / 2 + head, all.recomputed(work, PassWork.NONE));
        assertEquals(240 + 64, all.trained());
        assertEquals(flops.adapterWeights(), flops.trained());
        var activations = ActivationBytes.of(SHAPE.config(), DType.BFLOAT16, 0);
        var step = new StepMemory(SHAPE.config(), DType.BFLOAT16, activations, 304, 304);
        assertEquals( // a weight and its float32 value; nothing is packed
                (2 + 4) * 304 + step.bytes(1, Recomputation.NONE),
                new Theory(all, DType.BFLOAT16).residentBytes(1));
    }

    @Test
    void readingAndDecodingAreTheForwardPassInPieces() {
        // Tokens 0 to 6 read by 7 rows: the last of 8 tokens is sampled and not read.
        double whole = flops.measure(new PassWork(1, 7, 28, 4), true);
        assertEquals(whole, flops.prefill(4) + flops.decode(4, 4));
    }

    @Test
    void phasesOfAStep() {
        var work = new PassWork(1, 5, 15, 2);
        Map<String, Double> byPhase =
                flops.byPhase(Map.of("forward", work, "reference", work, "evaluate", work), 7);
        assertEquals(
                Map.of(
                        "rollout",
                        7.0,
                        "forward",
                        flops.forward(work),
                        "backward",
                        flops.backward(work),
                        "reference",
                        flops.measure(work, false)),
                byPhase);
    }

    @Test
    void aSharedPromptIsCountedOnce() {
        var builder = TokenForest.builder();
        int root = builder.root(new int[] {1, 2, 3});
        builder.target(builder.child(root, new int[] {4, 5}), 1);
        builder.target(builder.child(root, new int[] {6, 7, 8}), 2);
        // Rows see 1, 2, 3 tokens in the prompt; 4; 4 and 5. The last tokens predict nothing.
        assertEquals(new PassWork(1, 6, 19, 2), PassWork.of(builder.build()));
    }

    @Test
    void theoryGrowsWithWhatItCounts() {
        var theory = new Theory(flops, DType.FLOAT32);
        // Three tokens of two sequences of 5: 3 × weights, and 2 × (5+6+7+…) cached rows.
        double weights = 4.0 * (240 + 64);
        double cached = 2 * (3 * 5 + 6) * 2 * 4 * 2 * 1 * 2;
        assertEquals(3 * weights + cached, theory.decodeBytes(2, 5, 4));
        assertEquals(weights, theory.trainingBytes(Map.of("reference", new PassWork(1, 5, 15, 2))));
        assertEquals(2.0, Theory.seconds(4, 10, 2, 10));
        assertEquals(1.0, Theory.seconds(1, 10, 2, 10));
    }
}
