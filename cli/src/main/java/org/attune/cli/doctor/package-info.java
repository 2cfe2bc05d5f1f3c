/// `attune doctor`: what this machine has and what is missing ([Examination]).
package org.attune.cli.doctor;
