/// Adapters whose update of a weight is a formula of trained matrices: LoHa, LoKr, OFT, BOFT,
/// FourierFT, HRA, VeRA, AdaLoRA. A new kind is a
/// [WeightFormula][org.attune.adapter.formula.WeightFormula] and a constant of
/// [FormulaKind][org.attune.adapter.formula.FormulaKind].
package org.attune.adapter.formula;
