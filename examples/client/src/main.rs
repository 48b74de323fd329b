//! A command line over the client of `codegen-api`. `--help` says what there is.

mod arguments;
mod failure;
mod find;
mod follow;
mod log;
mod output;
mod progress;
mod runs;
mod show;
mod text;

use arguments::{Arguments, Command, OrganizationsCommand, RepositoriesCommand, UsersCommand};
use codegen_api::{client::Client, config::ClientConfig};
use failure::Failure;
use output::Output;
use runs::Runs;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::read();
    let output = Output::new(arguments.json);
    let status = match run(arguments, output).await {
        Ok(()) => 0,
        Err(failure) => {
            failure.report(output.is_json());
            failure.exit_status()
        }
    };
    // Not by returning: the runtime would wait for a host name that is still being resolved.
    std::process::exit(status);
}

async fn run(arguments: Arguments, output: Output) -> Result<(), Failure> {
    let mut config = ClientConfig::from_env()?;
    if let Some(url) = &arguments.base_url {
        config = config.base_url(url)?;
    }
    if let Some(id) = arguments.organization {
        config = config.organization_id(id);
    }
    let chosen = config.default_organization();
    let client = Client::new(config)?;
    let organization = async || match chosen {
        Some(id) => Ok(id),
        None => find::organization(&client).await,
    };

    match arguments.command {
        Command::Health => output.details(&client.health().send().await?),
        Command::Whoami => output.details(&client.current_user().send().await?),
        Command::Organizations(OrganizationsCommand::List) => {
            output.list(client.organizations().pages(), None).await
        }
        Command::Users(UsersCommand::List) => {
            let users = client.users(organization().await?);
            output.list(users.pages(), None).await
        }
        Command::Users(UsersCommand::Get { id }) => {
            let user = client.user(organization().await?, id);
            output.details(&user.send().await?)
        }
        Command::Repositories(RepositoriesCommand::List) => {
            let repositories = client.repositories(organization().await?);
            output.list(repositories.pages(), None).await
        }
        Command::Runs(command) => {
            let runs = Runs {
                organization: organization().await?,
                timeout: arguments.timeout,
                client,
                output,
            };
            runs.run(command).await
        }
    }
}
