package org.attune.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.OptionalDouble;
import java.util.OptionalInt;

class OptimizerOptionsTest {
    private static OptimizerKind kind(String name, String args) {
        return new OptimizerOptions(RecordedOptimizer.type(name), args, 0.8, 0.95, 1e-6, 7).kind();
    }

    @Test
    void everySettingReachesItsPlace() {
        var adamW = new AdamW(0.8, 0.95, 1e-6, true);
        assertEquals(adamW, kind("adamw_torch", "amsgrad=true"));
        assertEquals(new Adam(adamW), kind("adam", "amsgrad=True"));
        assertEquals(new EightBit(adamW), kind("adamw_bnb_8bit", "amsgrad=yes"));
        assertEquals(new Sgd(0.9, 0, true), kind("sgd", "momentum=0.9, nesterov=true"));
        assertEquals(new Sgd(0.9, 0.3, false), kind("sgd", "momentum=0.9,dampening=0.3"));
        assertEquals(
                new RmsProp(0.9, 1e-6, 0.7, true),
                kind("rmsprop", "alpha=0.9,eps=1e-6,momentum=0.7,centered=1"));
        assertEquals(
                new Adagrad(0.1, 1e-9, 0.5),
                kind("adagrad", "lr_decay=0.1,eps=1e-9,initial_accumulator_value=0.5"));
        assertEquals(
                new Adafactor(
                        1e-20,
                        1e-4,
                        0.8,
                        -0.7,
                        OptionalDouble.of(0.9),
                        new Adafactor.Rates(true, true, true)),
                kind(
                        "adafactor",
                        "eps1=1e-20,eps2=1e-4,clip_threshold=0.8,decay_rate=-0.7,beta1=0.9,"
                                + "scale_parameter=true,relative_step=true,warmup_init=true"));
        assertEquals(
                new TorchAdafactor(-0.7, 1e-6, 1e-4, 2),
                kind("adafactor_torch", "beta2_decay=-0.7,eps1=1e-6,eps2=1e-4,d=2"));
        assertEquals(new Lion(0.8, 0.95), kind("paged_lion_32bit", ""));
        var slow = new AdEmaMix.Slow(0.99, 4, OptionalInt.of(5), OptionalInt.of(6));
        assertEquals(
                new AdEmaMix(0.7, 0.9, 1e-7, slow),
                kind(
                        "ademamix",
                        "beta1=0.7,beta2=0.9,eps=1e-7,beta3=0.99,alpha=4,t_alpha=5,t_beta3=6"));
        assertEquals(
                new Muon(
                        0.9, false, 3, Muon.Adjustment.ORIGINAL, new AdamW(0.8, 0.95, 1e-6, false)),
                kind("muon", "momentum=0.9,nesterov=false,ns_steps=3,adjust_lr_fn=original"));
        assertEquals(
                new ScheduleFreeAdamW(new Averaging(0.8, 7, 0.5, 1), 0.95, 1e-6),
                kind("schedule_free_adamw", "r=0.5,weight_lr_power=1"));
        assertEquals(
                new ScheduleFreeSgd(new Averaging(0.7, 7, 0, 2)),
                kind("schedule_free_sgd", "momentum=0.7"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    sgd | momentm=0.9 | for sgd dampening, momentum, nesterov; momentm is none of \
                    them, did you mean momentum?
                    sgd | weight_decay=0.1 | for sgd dampening, momentum, nesterov; weight_decay \
                    is none of them, use the key weight_decay
                    lion_32bit | beta1=0.9 | for lion_32bit nothing; beta1 is none of them, use \
                    the keys adam_beta1 and adam_beta2
                    sgd | momentum | name=value, several with commas between, not "momentum"
                    sgd | momentum=x | for sgd momentum with a number, not x
                    sgd | nesterov=true | for sgd: nesterov needs momentum > 0 and dampening 0, \
                    got momentum 0.0 and dampening 0.0
                    sgd | momentum=1,momentum=2 | each name once; momentum is there twice
                    muon | adjust_lr_fn=none | for muon adjust_lr_fn with match_rms_adamw, \
                    original, spectral_unclamped, not none
                    adafactor | warmup_init=true | for adafactor: warmup_init=true needs \
                    relative_step=true, got relative_step=false
                    """)
    void errorsSayWhatIsAccepted(String name, String args, String message) {
        var error = assertThrows(ConfigException.class, () -> kind(name, args));
        assertEquals(message, error.getMessage());
    }
}
