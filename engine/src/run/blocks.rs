//! Steps whose parts are strands of their own: opening them, and the result of the step from their ends.

use super::Ended;
use super::machine::{Machine, context};
use super::strand::{Next, Part, State, Strand, Variables, no_errors, path_of};
use crate::script::slot::{ERRORS, FIRST_INPUT, OUTPUT, RUN};
use crate::script::{Fault, INTERRUPTED, convert_input};
use crate::steps::{Opening, Opens, Step};
use crate::store::RunState;
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::{Record, Rows, Value};

/// The end of a run; `Ok` while it continues.
type Goes = Result<(), Box<Result<Value, Fault>>>;

impl Machine {
    /// Begins a step whose parts are strands.
    pub(super) fn open(&mut self, path: &str, strand: &mut Strand, step: &Step, opening: Opening) {
        match opening {
            Opening::Call(fields) => {
                let called = self.called(path, strand, step, &fields);
                match called {
                    Ok(called) => self.begin(path_of(path, &step.position, &Part::Called), called),
                    Err(fault) => self.close_with(path, strand, Err(fault)),
                }
            }
            Opening::Each(_) | Opening::Branches => self.fill(path, strand),
        }
    }

    fn begin(&mut self, path: String, strand: Strand) {
        self.strands.insert(path.clone(), strand);
        self.ready.push_back(path);
    }

    fn called(&self, path: &str, caller: &Strand, step: &Step, fields: &Record) -> Result<Strand, Fault> {
        let callee = step.calls().and_then(|id| caller.workflow.callees.get(id));
        let workflow = callee.cloned().ok_or_else(|| lost(step))?;
        let mut variables = Variables::new(workflow.width());
        variables.set_known(RUN, caller.variables.get(RUN).clone());
        variables.set_known(ERRORS, no_errors(&workflow));
        let values = convert_input(&workflow.inputs, fields, &self.room.library, self.host.as_ref())
            .map_err(|no_fit| Fault::new(ErrorKind::Value, format!("`{}`: {}", workflow.id, no_fit.message)))?;
        for (number, value) in values.into_iter().enumerate() {
            variables.set(FIRST_INPUT + number, value);
        }
        Ok(Strand::new(Some(path.to_owned()), Part::Called, workflow, 0, variables, caller.retries))
    }

    /// Begins as many parts of a loop or of branches as may continue, and ends the step if none is left.
    pub(super) fn fill(&mut self, path: &str, strand: &mut Strand) {
        let workflow = strand.workflow.clone();
        let step = strand.step.and_then(|index| workflow.step(index));
        let (Some(step), State::Open(open)) = (step, &mut strand.state) else { return };
        let (parts, width) = match step.opens() {
            Opens::Passes(passes) => (open.items.as_ref().map_or(0, Rows::len), passes.parallel as usize),
            Opens::Branches(branches) => (branches.len(), branches.len()),
            Opens::Workflow(_) | Opens::Nothing => return,
        };
        while open.running < width && open.next < parts {
            let number = open.next;
            open.next += 1;
            strand.moved = true;
            let mut variables = strand.variables.below();
            let (part, block) = match step.opens() {
                Opens::Passes(passes) => {
                    variables.set_known(passes.item, open.items.as_ref().map(|i| i.get(number)).unwrap_or_default());
                    (Part::Pass(number + 1), passes.block)
                }
                Opens::Branches(branches) => match branches.get(number) {
                    Some((name, block)) => (Part::Branch(name.to_string()), *block),
                    None => break,
                },
                Opens::Workflow(_) | Opens::Nothing => break,
            };
            let below = path_of(path, &step.position, &part);
            let parent = Some(path.to_owned());
            let begun = Strand::new(parent, part, workflow.clone(), block, variables, strand.retries);
            open.running += 1;
            self.begin(below, begun);
        }
        if open.running == 0 {
            self.close(path, strand);
        }
    }

    /// All parts have ended: the step has its result.
    fn close(&mut self, path: &str, strand: &mut Strand) {
        let workflow = strand.workflow.clone();
        let step = strand.step.and_then(|index| workflow.step(index));
        let (Some(step), State::Open(open)) = (step, &mut strand.state) else { return };
        let mut results = std::mem::take(&mut open.results);
        let result = match (open.fault.take(), step.opens()) {
            (Some(fault), _) => Err(fault),
            (None, Opens::Branches(branches)) => {
                let mut result = |name: &EcoString| match results.remove(&Part::Branch(name.to_string())) {
                    Some(result) => Ok((name.clone(), result)),
                    None => Err(Fault::broken(&format!("the result of the branch `{name}` is lost"))),
                };
                let fields = branches.iter().map(|(name, _)| result(name)).collect::<Result<Vec<_>, _>>();
                fields.map(Value::record)
            }
            (None, Opens::Passes(_)) if planted!(self.host.clock(), SwappedPasses) => {
                Ok(Value::list(results.into_values().rev().collect()))
            }
            (None, Opens::Passes(_) | Opens::Workflow(_) | Opens::Nothing) => {
                Ok(Value::list(results.into_values().collect()))
            }
        };
        let context = context(&self.room, &self.host);
        let result = result.and_then(|value| context.weighed(&value).map(|_| value));
        self.close_with(path, strand, result);
    }

    fn close_with(&mut self, path: &str, strand: &mut Strand, result: Result<Value, Fault>) {
        let workflow = strand.workflow.clone();
        if let Some(step) = strand.step.and_then(|index| workflow.step(index)) {
            self.ledger.drop_step(&format!("{path}{}", step.position));
        }
        strand.moved = true;
        strand.state = State::Ready(Next::Done(Box::new(result)));
        self.ready.push_back(path.to_owned());
    }

    /// A strand has ended.
    pub(super) fn finished(&mut self, path: &str, child: Strand, result: Result<Value, Fault>) -> Goes {
        let Some(parent_path) = child.parent.clone() else {
            self.strands.insert(path.to_owned(), child);
            return Err(Box::new(result));
        };
        self.ledger.drop_strand(path);
        let Some(mut parent) = self.strands.remove(&parent_path) else { return Ok(()) };
        let workflow = parent.workflow.clone();
        if let Some(step) = parent.step.and_then(|index| workflow.step(index)) {
            self.part_ended(&parent_path, &mut parent, step, &child, result);
        }
        self.strands.insert(parent_path, parent);
        Ok(())
    }

    fn part_ended(
        &mut self,
        path: &str,
        parent: &mut Strand,
        step: &Step,
        child: &Strand,
        result: Result<Value, Fault>,
    ) {
        let State::Open(open) = &mut parent.state else { return };
        open.running = open.running.saturating_sub(1);
        let part = child.part.clone();
        let result = result.map_err(|mut fault| {
            fault.name_file(&child.workflow.file());
            if step.calls().is_some() {
                fault.add_place(&parent.workflow.file(), step.place);
            }
            fault
        });
        let swallows = match step.opens() {
            // The others continue, and the step fails once they have ended.
            Opens::Branches(_) => step.continue_on_fail,
            Opens::Passes(passes) => {
                if result.is_ok() && passes.parallel == 1 {
                    let written = passes.writes.iter().filter(|slot| child.variables.is_touched(**slot));
                    written.for_each(|slot| parent.variables.set(*slot, child.variables.get(*slot).clone()));
                }
                false
            }
            Opens::Workflow(_) | Opens::Nothing => return self.close_with(path, parent, result),
        };
        match result {
            Ok(value) => {
                open.take(part.clone(), value);
                open.unkept.push(part);
            }
            Err(fault) if swallows && !self.ends_all(&fault) => {
                open.take(part.clone(), Value::Null);
                open.unkept.push(part);
                open.fault.get_or_insert(fault);
                parent.moved = true;
            }
            Err(fault) => {
                for below in ["[", "/"] {
                    self.drop_strands(&format!("{path}{}{below}", step.position));
                }
                return self.close_with(path, parent, Err(fault));
            }
        }
        self.fill(path, parent);
    }

    /// Does a failure end the run, even if steps would allow it?
    pub(super) fn ends_all(&self, fault: &Fault) -> bool {
        fault.kind == ErrorKind::Cancelled.name() || fault.kind == INTERRUPTED || self.is_over(fault)
    }

    /// An `end` step: the loops around it are over, up to the called workflow or the run.
    pub(super) fn ended_early(&mut self, path: &str, strand: Strand, result: Result<Value, Fault>) -> Goes {
        let (mut path, mut strand) = (path.to_owned(), strand);
        while let (Part::Pass(_) | Part::Branch(_), Some(parent)) = (&strand.part, strand.parent.clone()) {
            self.drop_strands(&path);
            let Some(above) = self.strands.remove(&parent) else { return Ok(()) };
            (path, strand) = (parent, above);
        }
        self.finished(&path, strand, result)
    }

    /// The end of the run.
    pub(super) fn end(&mut self, result: Result<Value, Fault>) -> Ended {
        let result = result.and_then(|output| self.answer(&output).map(|answer| (output, answer)));
        let mut ended = Ended::new(RunState::Completed, self.host.instant());
        ended.input = self.input.take();
        ended.label = self.label.take();
        ended.with_errors = self.with_errors;
        match result {
            Ok((output, answer)) => {
                ended.output = Some(output);
                ended.answer = answer;
            }
            Err(mut fault) => {
                fault.name_file(&self.work.workflow.file());
                ended.state = if fault.kind == ErrorKind::Cancelled.name() {
                    RunState::Cancelled
                } else if self.is_over(&fault) {
                    RunState::TimedOut
                } else {
                    RunState::Failed
                };
                ended.refused = !self.has_input && fault.status == Some(400) && !self.work.processes_input();
                // The variables at this moment: a retry continues from the last acting step with their values then.
                fault.note_place(self.host.as_ref());
                ended.failure = Some((fault, self.failed_at.first()));
            }
        }
        ended.trace = self.host.last_trace();
        (ended.diffs, ended.kept_diffs) = self.take_diffs();
        ended.log = self.take_log();
        self.hide(&mut ended);
        (ended.starts, ended.ends) = self.take_ends();
        ended
    }

    /// Removes masked values from errors.
    fn hide(&self, ended: &mut Ended) {
        let message = ended.failure.as_mut().map(|(fault, _)| &mut fault.message);
        let errors = ended.trace.iter_mut().filter_map(|step| step.error.as_mut());
        for text in message.into_iter().chain(errors) {
            *text = self.veiled(text);
        }
    }

    /// The answer to the caller that `processing.output` computes from the output.
    fn answer(&mut self, output: &Value) -> Result<Option<Value>, Fault> {
        let workflow = self.work.workflow.clone();
        let processing = workflow.webhook.as_ref().and_then(|webhook| webhook.processing_output.as_ref());
        let Some(script) = processing.filter(|_| self.work.is_request()) else { return Ok(None) };
        self.host.enter("", "processing.output", 1, self.host.instant());
        self.failed_at.note("processing.output");
        let Some(root) = self.strands.get_mut("") else { return Ok(None) };
        root.variables.set_known(OUTPUT, output.clone());
        let answer = script.run(&mut root.variables.values, context(&self.room, &self.host))?;
        self.failed_at.forget("processing.output");
        Ok(Some(answer))
    }
}

fn lost(step: &Step) -> Fault {
    Fault::new(ErrorKind::Io, format!("The step `{}` calls a workflow that this version does not hold.", step.position))
}
