package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.model.layer.Decoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/// Makes policies whose adapter reads rows of the run, or the model's files, before it begins.
public final class AdapterStart {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterStart.class);

    /// Batches whose gradients are averaged.
    private static final int GRADIENTS = 8;

    private AdapterStart() {}

    /// A policy that begins from rows.
    ///
    /// @param decoder without an adapter
    /// @param asked whose initialisation reads rows
    /// @param batches token ids of sequences, without end
    /// @param random source of what is drawn
    /// @param inTurn as with [Policy#withFreshAdapter]
    /// @throws org.attune.error.ConfigException if a module has too few features or directions
    public static Policy fromRows(
            Decoder decoder,
            LoraConfig asked,
            Iterator<List<int[]>> batches,
            UniformRandomProvider random,
            Policy.Options options,
            boolean inTurn) {
        if (asked.initialisation() == LoraInitialisation.EVA) {
            EvaStart start = EvaStart.of(decoder, asked, batches);
            Policy policy =
                    Policy.withFreshAdapter(decoder, start.config(), random, options, inTurn);
            start.begin(policy);
            return policy;
        }
        List<List<int[]>> first = Stream.generate(batches::next).limit(GRADIENTS).toList();
        GradientStart start = GradientStart.of(decoder, asked, first, random);
        Policy policy = unwritten(decoder, asked, options, inTurn);
        start.begin(policy);
        return policy;
    }

    /// A policy that begins nearer to the model's files than its base in few bits is
    /// ([LoraInitialisation#mendsBase]). Says in the log how near.
    ///
    /// @param decoder in few bits, without an adapter, whose files are open
    /// @param random source of what is drawn
    /// @param inTurn as with [Policy#withFreshAdapter]
    /// @throws org.attune.error.ConfigException if a weight has fewer directions than the rank
    public static Policy mending(
            Decoder decoder,
            LoraConfig config,
            UniformRandomProvider random,
            Policy.Options options,
            boolean inTurn) {
        Policy policy = Policy.withFreshAdapter(decoder, config, random, options, inTurn);
        LOG.info("LoftQ: {}", lost(policy.own("compare")));
        return policy;
    }

    /// What few bits leave out of the weights that an adapter was made to mend.
    static LostBits lost(AdapterParameters adapter) {
        LostBits lost = LostBits.NONE;
        for (AdapterTarget target : adapter.targets()) {
            if (adapter.module(target.path()).orElseThrow() instanceof LoraModule module) {
                lost = lost.plus(module.lost());
            }
        }
        return lost;
    }

    /// A policy with an adapter whose matrices are zero until a checkpoint writes them.
    ///
    /// @param inTurn as with [Policy#withFreshAdapter]
    public static Policy unwritten(
            Decoder decoder, LoraConfig config, Policy.Options options, boolean inTurn) {
        return new Policy(decoder, AdapterParameters.unwritten(decoder, config, inTurn), options);
    }
}
