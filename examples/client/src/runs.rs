use std::time::Duration;

use codegen_api::{
    client::{Client, Wait},
    model::{AgentRun, AgentRunLog, MessageType, RunStatus},
};

use crate::{
    arguments::RunsCommand,
    failure::Failure,
    find,
    follow::{Followed, Stopped, follow},
    log::{self, Log},
    output::Output,
    progress::Progress,
    show,
    text::one_line,
};

/// The commands under `runs`.
#[derive(Debug)]
pub(crate) struct Runs {
    pub(crate) client: Client,
    pub(crate) organization: i64,
    pub(crate) timeout: Option<Duration>,
    pub(crate) output: Output,
}

impl Runs {
    pub(crate) async fn run(&self, command: RunsCommand) -> Result<(), Failure> {
        let (client, organization, output) = (&self.client, self.organization, self.output);
        match command {
            RunsCommand::Create {
                prompt,
                repo,
                follow,
            } => {
                let mut create = client.create_run(organization, prompt);
                if let Some(name) = repo {
                    create =
                        create.repository(find::repository(client, organization, &name).await?);
                }
                let run = create.send().await?;
                if follow.wait {
                    let log = self.log(run.id);
                    self.wait(run.id, Some(run), Some(log)).await
                } else {
                    output.details(&run)
                }
            }
            RunsCommand::Resume { id, prompt, follow } => {
                let resume = client.resume_run(organization, id, prompt);
                if follow.wait {
                    let log = self.log_from_now_on(id).await?;
                    let run = resume.send().await?;
                    self.wait(id, Some(run), log).await
                } else {
                    output.details(&resume.send().await?)
                }
            }
            RunsCommand::Wait { id } => {
                let log = self.log_from_now_on(id).await?;
                self.wait(id, None, log).await
            }
            RunsCommand::Get { id } => output.details(&client.run(organization, id).send().await?),
            RunsCommand::List { limit } => {
                let runs = client.runs(organization).limit(limit.min(100));
                output.list(runs.pages(), Some(limit)).await
            }
            RunsCommand::Logs { id, follow: false } => {
                let mut log = self.log(id);
                log.read(|entry| output.entry(entry)).await
            }
            RunsCommand::Logs { id, follow: true } => self.logs(id).await,
        }
    }

    /// Follows a run to its end and prints its answer. Machines get the run as it was last seen,
    /// whether it has ended or not.
    async fn wait(
        &self,
        id: i64,
        begun: Option<AgentRun>,
        log: Option<Log>,
    ) -> Result<(), Failure> {
        let json = self.output.is_json();
        let mut progress = Progress::new(id, json);
        if let Some(run) = &begun {
            if let Some(page) = &run.web_url {
                progress.line(&one_line(page, 200));
            }
            progress.status(run);
        }
        // The answer is printed at the end.
        let show = |progress: &mut Progress, entry: &AgentRunLog| {
            if entry.message_type != Some(MessageType::FinalAnswer) {
                progress.line(&log::line(entry));
            }
            Ok(())
        };
        let log = log.filter(|_| !json);
        let Followed { last, stopped } = follow(self.end_of(id), log, progress, show).await;
        let Some(run) = last.or(begun) else {
            return stopped.map_or(Ok(()), |stopped| Err(self.left(id, stopped)));
        };
        if json {
            self.output.object(&show::json(&run))?;
        }
        match stopped {
            // What a log lacks takes nothing from the answer.
            Some(stopped) if !run.is_final() => Err(self.left(id, stopped)),
            _ => {
                if let (false, Some(result)) = (json, &run.result) {
                    self.output.text(result)?;
                }
                verdict(&run)
            }
        }
    }

    /// Prints the log of a run to its end.
    async fn logs(&self, id: i64) -> Result<(), Failure> {
        let log = self.log(id);
        let progress = Progress::new(id, self.output.is_json());
        let show = |progress: &mut Progress, entry: &AgentRunLog| {
            progress.clear();
            self.output.entry(entry)
        };
        match follow(self.end_of(id), Some(log), progress, show).await {
            Followed {
                stopped: Some(stopped),
                ..
            } => Err(self.left(id, stopped)),
            Followed { last, .. } => last.as_ref().map_or(Ok(()), verdict),
        }
    }

    fn log(&self, id: i64) -> Log {
        Log::new(&self.client, self.organization, id)
    }

    /// `None` for machines, which get no progress.
    async fn log_from_now_on(&self, id: i64) -> Result<Option<Log>, Failure> {
        match self.output.is_json() {
            true => Ok(None),
            false => self.log(id).skip().await.map(Some),
        }
    }

    fn end_of(&self, id: i64) -> Wait {
        let wait = self.client.wait_for_completion(self.organization, id);
        match self.timeout {
            Some(timeout) => wait.timeout(timeout),
            None => wait,
        }
    }

    fn left(&self, id: i64, stopped: Stopped) -> Failure {
        let cause = match stopped {
            Stopped::Log(failure) => return failure,
            Stopped::Wait(error) if !error.is_retryable() => return error.into(),
            Stopped::Wait(error) => Some(error),
            Stopped::Interrupted => None,
        };
        let organization = self.organization;
        Failure::LeftAlone {
            id,
            organization,
            cause,
        }
    }
}

fn verdict(run: &AgentRun) -> Result<(), Failure> {
    match &run.status {
        Some(status) if RunStatus::is_success(status) => Ok(()),
        _ => Err(Failure::no_result(run)),
    }
}
