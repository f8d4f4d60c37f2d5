"""The public call for each HTTP call. Plain data, for the contract tests and the reference pages.

A name such as ``rule`` stands for an id, or for a row or frame with one. The first call is the
usual one. The contract tests run every call exactly as it is written here.
"""

Operation = tuple[str, str]
"""The method, and the path as in Adobe's OpenAPI file."""

OPERATIONS: dict[Operation, tuple[str, ...]] = {
    # companies, profile, the service
    ("GET", "/companies"): ("reactor.companies()",),
    ("GET", "/companies/{COMPANY_ID}"): ("reactor.companies.get(company)",),
    ("GET", "/profile"): ("reactor.profile()",),
    ("GET", "/heartbeat"): ("reactor.heartbeat()",),
    ("POST", "/search"): (
        'reactor.search("click")',
        'reactor.search("Checkout", fields="attributes.name")',
    ),
    ("GET", "/audit_events"): ("reactor.audit_events(limit=20)",),
    ("GET", "/audit_events/{EVENT_ID}"): ("reactor.audit_events.get(audit_event)",),
    # properties
    ("GET", "/companies/{COMPANY_ID}/properties"): (
        "reactor.properties(company)",
        "reactor.properties()",
    ),
    ("POST", "/companies/{COMPANY_ID}/properties"): (
        'reactor.properties.create(name="New site", platform="web", domains=["www.example.com"])',
    ),
    ("GET", "/properties/{PROPERTY_ID}"): ("reactor.properties.get(property)",),
    ("PATCH", "/properties/{PROPERTY_ID}"): (
        'reactor.properties.update(property, domains=["shop.example.com"])',
    ),
    ("DELETE", "/properties/{PROPERTY_ID}"): (
        'reactor.properties.delete(property, confirm="Old site")',
    ),
    ("GET", "/properties/{PROPERTY_ID}/company"): ('reactor.related(property, "company")',),
    ("GET", "/properties/{PROPERTY_ID}/notes"): ("reactor.notes(property)",),
    ("POST", "/properties/{PROPERTY_ID}/notes"): (
        'reactor.notes.create(property, text="Agreed with the shop team.")',
    ),
    # app configurations
    ("GET", "/companies/{COMPANY_ID}/app_configurations"): ("reactor.app_configurations(company)",),
    ("POST", "/companies/{COMPANY_ID}/app_configurations"): (
        'reactor.app_configurations.create(company, name="Store App", '
        'app_id="com.example.store", platform="mobile", '
        'messaging_service="apns", key_type="p8_file", push_credential=push_credential)',
    ),
    ("GET", "/app_configurations/{CONFIG_ID}"): (
        "reactor.app_configurations.get(app_configuration)",
    ),
    ("PATCH", "/app_configurations/{CONFIG_ID}"): (
        'reactor.app_configurations.update(app_configuration, name="Store App 2")',
    ),
    ("DELETE", "/app_configurations/{CONFIG_ID}"): (
        "reactor.app_configurations.delete(app_configuration)",
    ),
    ("GET", "/app_configurations/{CONFIG_ID}/company"): (
        'reactor.related(app_configuration, "company")',
    ),
    # callbacks
    ("GET", "/properties/{PROPERTY_ID}/callbacks"): ("reactor.callbacks(property)",),
    ("POST", "/properties/{PROPERTY_ID}/callbacks"): (
        'reactor.callbacks.create(property, url="https://hooks.example.com/tags", '
        'subscriptions=["rule.updated"])',
    ),
    ("GET", "/callbacks/{CALLBACK_ID}"): ("reactor.callbacks.get(callback)",),
    ("PATCH", "/callbacks/{CALLBACK_ID}"): (
        'reactor.callbacks.update(callback, subscriptions=["rule.created", "rule.updated"])',
        'reactor.callbacks.update(callback, url="https://hooks.example.com/rules")',
    ),
    ("DELETE", "/callbacks/{CALLBACK_ID}"): ("reactor.callbacks.delete(callback)",),
    ("GET", "/callbacks/{CALLBACK_ID}/property"): ('reactor.related(callback, "property")',),
    # rules
    ("GET", "/properties/{PROPERTY_ID}/rules"): (
        "reactor.rules(property)",
        'reactor.rules(property, filter={"name": contains("Checkout")}, sort="-updated_at")',
    ),
    ("POST", "/properties/{PROPERTY_ID}/rules"): (
        'reactor.rules.create(property, name="Checkout")',
    ),
    ("GET", "/rules/{RULE_ID}"): ("reactor.rules.get(rule)",),
    ("PATCH", "/rules/{RULE_ID}"): (
        "reactor.rules.update(rule, enabled=False)",
        "reactor.rules.revise(rule)",
    ),
    ("DELETE", "/rules/{RULE_ID}"): ("reactor.rules.delete(rule)",),
    ("GET", "/rules/{RULE_ID}/libraries"): ("reactor.libraries(rule)",),
    ("GET", "/rules/{RULE_ID}/property"): ('reactor.related(rule, "property")',),
    ("GET", "/rules/{RULE_ID}/origin"): ('reactor.related(rule, "origin")',),
    ("GET", "/rules/{RULE_ID}/revisions"): ("reactor.rules.revisions(rule)",),
    ("GET", "/rules/{RULE_ID}/notes"): ("reactor.notes(rule)",),
    ("POST", "/rules/{RULE_ID}/notes"): (
        'reactor.notes.create(rule, text="Fires twice on slow connections.")',
    ),
    ("GET", "/rules/{RULE_ID}/rule_component_notes"): ("reactor.notes.of_components(rule)",),
    # rule components
    ("GET", "/rules/{RULE_ID}/rule_components"): ("reactor.rule_components(rule)",),
    ("POST", "/properties/{PROPERTY_ID}/rule_components"): (
        'reactor.rule_components.create(rule, name="Loaded", extension=extension, '
        'delegate_descriptor_id="core::events::library-loaded")',
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}"): (
        "reactor.rule_components.get(rule_component)",
    ),
    ("PATCH", "/rule_components/{RULE_COMPONENT_ID}"): (
        "reactor.rule_components.update(rule_component, order=2)",
    ),
    ("DELETE", "/rule_components/{RULE_COMPONENT_ID}"): (
        "reactor.rule_components.delete(rule_component)",
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/extension"): (
        'reactor.related(rule_component, "extension")',
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/origin"): (
        'reactor.related(rule_component, "origin")',
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/rules"): ("reactor.rules(rule_component)",),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/updated_with_extension"): (
        'reactor.related(rule_component, "updated_with_extension")',
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/updated_with_extension_package"): (
        'reactor.related(rule_component, "updated_with_extension_package")',
    ),
    ("GET", "/rule_components/{RULE_COMPONENT_ID}/notes"): ("reactor.notes(rule_component)",),
    ("POST", "/rule_components/{RULE_COMPONENT_ID}/notes"): (
        'reactor.notes.create(rule_component, text="Waits for the consent banner.")',
    ),
    # data elements
    ("GET", "/properties/{PROPERTY_ID}/data_elements"): ("reactor.data_elements(property)",),
    ("POST", "/properties/{PROPERTY_ID}/data_elements"): (
        'reactor.data_elements.create(property, name="page", extension=extension, '
        'delegate_descriptor_id="core::dataElements::javascript-variable", settings={"path": '
        '"page.name"})',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}"): ("reactor.data_elements.get(data_element)",),
    ("PATCH", "/data_elements/{DATA_ELEMENT_ID}"): (
        'reactor.data_elements.update(data_element, default_value="none")',
        "reactor.data_elements.revise(data_element)",
    ),
    ("DELETE", "/data_elements/{DATA_ELEMENT_ID}"): ("reactor.data_elements.delete(data_element)",),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/libraries"): ("reactor.libraries(data_element)",),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/revisions"): (
        "reactor.data_elements.revisions(data_element)",
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/extension"): (
        'reactor.related(data_element, "extension")',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/origin"): (
        'reactor.related(data_element, "origin")',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/property"): (
        'reactor.related(data_element, "property")',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/updated_with_extension"): (
        'reactor.related(data_element, "updated_with_extension")',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/updated_with_extension_package"): (
        'reactor.related(data_element, "updated_with_extension_package")',
    ),
    ("GET", "/data_elements/{DATA_ELEMENT_ID}/notes"): ("reactor.notes(data_element)",),
    ("POST", "/data_elements/{DATA_ELEMENT_ID}/notes"): (
        'reactor.notes.create(data_element, text="Comes from the data layer.")',
    ),
    # extensions
    ("GET", "/properties/{PROPERTY_ID}/extensions"): ("reactor.extensions(property)",),
    ("POST", "/properties/{PROPERTY_ID}/extensions"): (
        "reactor.extensions.create(property, extension_package=extension_package)",
    ),
    ("GET", "/extensions/{EXTENSION_ID}"): ("reactor.extensions.get(extension)",),
    ("PATCH", "/extensions/{EXTENSION_ID}"): (
        "reactor.extensions.update(extension, enabled=True)",
        "reactor.extensions.revise(extension)",
        "reactor.extensions.upgrade(extension)",
    ),
    ("DELETE", "/extensions/{EXTENSION_ID}"): ("reactor.extensions.delete(extension)",),
    ("GET", "/extensions/{EXTENSION_ID}/extension_package"): (
        'reactor.related(extension, "extension_package")',
    ),
    ("GET", "/extensions/{EXTENSION_ID}/libraries"): ("reactor.libraries(extension)",),
    ("GET", "/extensions/{EXTENSION_ID}/property"): ('reactor.related(extension, "property")',),
    ("GET", "/extensions/{EXTENSION_ID}/origin"): ('reactor.related(extension, "origin")',),
    ("GET", "/extensions/{EXTENSION_ID}/revisions"): ("reactor.extensions.revisions(extension)",),
    ("GET", "/extensions/{EXTENSION_ID}/updated_with_extension_package"): (
        'reactor.related(extension, "updated_with_extension_package")',
    ),
    ("GET", "/extensions/{EXTENSION_ID}/notes"): ("reactor.notes(extension)",),
    ("POST", "/extensions/{EXTENSION_ID}/notes"): (
        'reactor.notes.create(extension, text="Upgrade with the other stores.")',
    ),
    # extension packages
    ("GET", "/extension_packages"): (
        'reactor.extension_packages(filter={"platform": "EQ web"})',
        'reactor.extension_packages(max_availability="public")',
    ),
    ("POST", "/extension_packages"): ('reactor.extension_packages.upload("my-extension.zip")',),
    ("GET", "/extension_packages/{EXTENSION_PACKAGE_ID}"): (
        "reactor.extension_packages.get(extension_package)",
        "reactor.extension_packages.delegates(extension_package)",
    ),
    ("PATCH", "/extension_packages/{EXTENSION_PACKAGE_ID}"): (
        'reactor.extension_packages.upload("my-extension.zip", replaces=extension_package)',
        'reactor.extension_packages.release_private(extension_package, confirm="my-extension")',
        "reactor.extension_packages.discontinue(extension_package)",
    ),
    ("DELETE", "/extension_packages/{EXTENSION_PACKAGE_ID}"): (
        "reactor.extension_packages.delete(extension_package)",
    ),
    ("GET", "/extension_packages/{EXTENSION_PACKAGE_ID}/versions"): (
        "reactor.extension_packages.versions(extension_package)",
    ),
    ("GET", "/extension_packages/{EXTENSION_PACKAGE_ID}/extension_package_usage_authorizations"): (
        "reactor.extension_package_usage_authorizations(extension_package)",
    ),
    ("POST", "/extension_packages/{EXTENSION_PACKAGE_ID}/extension_package_usage_authorizations"): (
        "reactor.extension_package_usage_authorizations.create(extension_package, "
        'authorized_org_id="0123456789ABCDEF01234567@AdobeOrg")',
    ),
    ("GET", "/extension_package_usage_authorizations"): (
        "reactor.extension_package_usage_authorizations()",
    ),
    ("PATCH", "/extension_package_usage_authorizations/{ID}"): (
        "reactor.extension_package_usage_authorizations.approve(authorization)",
        "reactor.extension_package_usage_authorizations.reject(authorization)",
    ),
    ("DELETE", "/extension_package_usage_authorizations/{ID}"): (
        "reactor.extension_package_usage_authorizations.delete(authorization)",
    ),
    (
        "GET",
        "/extension_package_usage_authorizations/{EXTENSION_PACKAGE_USAGE_AUTHORIZATION_ID}/extension_package",
    ): ('reactor.related(authorization, "extension_package")',),
    # hosts
    ("GET", "/properties/{PROPERTY_ID}/hosts"): ("reactor.hosts(property)",),
    ("POST", "/properties/{PROPERTY_ID}/hosts"): (
        'reactor.hosts.create(property, name="Managed by Adobe", type_of="akamai")',
        'reactor.hosts.create(property, name="Ours", type_of="sftp", '
        'server="sftp.example.com", port=22, '
        'username="tags", path="www", encrypted_private_key=key)',
    ),
    ("GET", "/hosts/{HOST_ID}"): ("reactor.hosts.get(host)",),
    ("PATCH", "/hosts/{HOST_ID}"): ('reactor.hosts.update(host, server="sftp2.example.com")',),
    ("DELETE", "/hosts/{HOST_ID}"): ('reactor.hosts.delete(host, confirm="Managed by Adobe")',),
    ("GET", "/hosts/{HOST_ID}/property"): ('reactor.related(host, "property")',),
    # environments
    ("GET", "/properties/{PROPERTY_ID}/environments"): ("reactor.environments(property)",),
    ("POST", "/properties/{PROPERTY_ID}/environments"): (
        'reactor.environments.create(property, name="Development", stage="development", host=host)',
    ),
    ("GET", "/environments/{ENVIRONMENT_ID}"): ("reactor.environments.get(environment)",),
    ("PATCH", "/environments/{ENVIRONMENT_ID}"): (
        'reactor.environments.update(environment, name="Development 2")',
    ),
    ("DELETE", "/environments/{ENVIRONMENT_ID}"): (
        'reactor.environments.delete(environment, confirm="Development")',
    ),
    ("GET", "/environments/{ENVIRONMENT_ID}/builds"): ("reactor.builds(environment)",),
    ("GET", "/environments/{ENVIRONMENT_ID}/secrets"): ("reactor.secrets(environment)",),
    ("GET", "/environments/{ENVIRONMENT_ID}/host"): ('reactor.related(environment, "host")',),
    ("GET", "/environments/{ENVIRONMENT_ID}/relationships/host"): (
        'reactor.relationships(environment, "host")',
    ),
    ("GET", "/environments/{ENVIRONMENT_ID}/library"): ('reactor.related(environment, "library")',),
    ("GET", "/environments/{ENVIRONMENT_ID}/property"): (
        'reactor.related(environment, "property")',
    ),
    # libraries
    ("GET", "/properties/{PROPERTY_ID}/libraries"): ("reactor.libraries(property)",),
    ("POST", "/properties/{PROPERTY_ID}/libraries"): (
        'reactor.libraries.create(property, name="Release 12")',
        'reactor.libraries.create(property, name="Release 12", environment=environment)',
    ),
    ("GET", "/libraries/{LIBRARY_ID}"): ("reactor.libraries.get(library)",),
    ("PATCH", "/libraries/{LIBRARY_ID}"): (
        'reactor.libraries.update(library, name="Release 13")',
        "reactor.libraries.submit(library)",
        "reactor.libraries.approve(library)",
        "reactor.libraries.reject(library)",
        "reactor.libraries.develop(library)",
    ),
    ("DELETE", "/libraries/{LIBRARY_ID}"): ("reactor.libraries.delete(library)",),
    ("GET", "/libraries/{LIBRARY_ID}/property"): ('reactor.related(library, "property")',),
    ("GET", "/libraries/{LIBRARY_ID}/upstream_library"): (
        'reactor.related(library, "upstream_library")',
    ),
    ("GET", "/libraries/{LIBRARY_ID}/last_build"): ('reactor.related(library, "last_build")',),
    ("GET", "/libraries/{LIBRARY_ID}/notes"): ("reactor.notes(library)",),
    ("POST", "/libraries/{LIBRARY_ID}/notes"): (
        'reactor.notes.create(library, text="Approved after a test.")',
    ),
    ("GET", "/libraries/{LIBRARY_ID}/environment"): ('reactor.related(library, "environment")',),
    ("GET", "/libraries/{LIBRARY_ID}/relationships/environment"): (
        'reactor.relationships(library, "environment")',
    ),
    ("PATCH", "/libraries/{LIBRARY_ID}/relationships/environment"): (
        "reactor.libraries.assign(library, environment)",
    ),
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/environment"): (
        "reactor.libraries.unassign(library)",
    ),
    # what a library holds
    ("GET", "/libraries/{LIBRARY_ID}/data_elements"): ("reactor.data_elements(library)",),
    ("GET", "/libraries/{LIBRARY_ID}/relationships/data_elements"): (
        'reactor.relationships(library, "data_elements")',
    ),
    ("POST", "/libraries/{LIBRARY_ID}/relationships/data_elements"): (
        "reactor.libraries.add(library, data_element, revise=True)",
    ),
    ("PATCH", "/libraries/{LIBRARY_ID}/relationships/data_elements"): (
        "reactor.libraries.replace(library, data_element, revise=True)",
    ),
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/data_elements"): (
        "reactor.libraries.remove(library, data_element)",
    ),
    ("GET", "/libraries/{LIBRARY_ID}/extensions"): ("reactor.extensions(library)",),
    ("GET", "/libraries/{LIBRARY_ID}/relationships/extensions"): (
        'reactor.relationships(library, "extensions")',
    ),
    ("POST", "/libraries/{LIBRARY_ID}/relationships/extensions"): (
        "reactor.libraries.add(library, extension, revise=True)",
    ),
    ("PATCH", "/libraries/{LIBRARY_ID}/relationships/extensions"): (
        "reactor.libraries.replace(library, extension, revise=True)",
    ),
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/extensions"): (
        "reactor.libraries.remove(library, extension)",
    ),
    ("GET", "/libraries/{LIBRARY_ID}/rules"): ("reactor.rules(library)",),
    ("GET", "/libraries/{LIBRARY_ID}/relationships/rules"): (
        'reactor.relationships(library, "rules")',
    ),
    ("POST", "/libraries/{LIBRARY_ID}/relationships/rules"): (
        "reactor.libraries.add(library, rule, revise=True)",
    ),
    ("PATCH", "/libraries/{LIBRARY_ID}/relationships/rules"): (
        "reactor.libraries.replace(library, rule, revise=True)",
    ),
    ("DELETE", "/libraries/{LIBRARY_ID}/relationships/rules"): (
        "reactor.libraries.remove(library, rule)",
    ),
    # builds
    ("GET", "/libraries/{LIBRARY_ID}/builds"): ("reactor.builds(library)",),
    ("POST", "/libraries/{LIBRARY_ID}/builds"): ("reactor.libraries.build(library)",),
    ("GET", "/builds/{BUILD_ID}"): ("reactor.builds.get(build)", "reactor.builds.wait(build)"),
    ("PATCH", "/builds/{BUILD_ID}"): ('reactor.builds.republish(build, confirm="Release 12")',),
    ("GET", "/builds/{BUILD_ID}/data_elements"): ("reactor.data_elements(build)",),
    ("GET", "/builds/{BUILD_ID}/extensions"): ("reactor.extensions(build)",),
    ("GET", "/builds/{BUILD_ID}/rules"): ("reactor.rules(build)",),
    ("GET", "/builds/{BUILD_ID}/library"): ('reactor.related(build, "library")',),
    ("GET", "/builds/{BUILD_ID}/environment"): ('reactor.related(build, "environment")',),
    ("GET", "/builds/{BUILD_ID}/property"): ('reactor.related(build, "property")',),
    # secrets
    ("GET", "/properties/{PROPERTY_ID}/secrets"): ("reactor.secrets(property)",),
    ("POST", "/properties/{PROPERTY_ID}/secrets"): (
        'reactor.secrets.create(property, name="Warehouse", type_of="token", '
        'credentials={"token": token}, '
        "environment=environment)",
    ),
    ("GET", "/secrets/{SECRET_ID}"): ("reactor.secrets.get(secret)",),
    ("PATCH", "/secrets/{SECRET_ID}"): (
        'reactor.secrets.update(secret, credentials={"token": token})',
        "reactor.secrets.test(secret)",
        "reactor.secrets.retry(secret)",
        "reactor.secrets.reauthorize(secret)",
    ),
    ("DELETE", "/secrets/{SECRET_ID}"): ("reactor.secrets.delete(secret)",),
    ("GET", "/secrets/{SECRET_ID}/data_elements"): ("reactor.data_elements(secret)",),
    ("GET", "/secrets/{SECRET_ID}/environment"): ('reactor.related(secret, "environment")',),
    ("GET", "/secrets/{SECRET_ID}/property"): ('reactor.related(secret, "property")',),
    ("GET", "/secrets/{SECRET_ID}/notes"): ("reactor.notes(secret)",),
    ("POST", "/secrets/{SECRET_ID}/notes"): (
        'reactor.notes.create(secret, text="Belongs to the warehouse team.")',
    ),
    # notes
    ("GET", "/notes/{NOTE_ID}"): ("reactor.notes.get(note)",),
}

EXCUSED: dict[Operation, str] = {
    ("POST", "/rules/{RULE_ID}/rule_components"): (
        "Obsolete: the service answers 405. Components are created under the property, which "
        "reactor.rule_components.create(rule, …) looks up."
    ),
    ("POST", "/extension_packages/{EXTENSION_PACKAGE_ID}"): (
        "Only the OpenAPI file has it. The guide, the SDK and the uploader send PATCH, and so does "
        "reactor.extension_packages.upload(…, replaces=…)."
    ),
    ("POST", "/libraries/{LIBRARY_ID}/relationships/environment"): (
        "The guide's word for what everybody else sends as PATCH: "
        "reactor.libraries.assign(library, environment)."
    ),
}
"""Operations without a function, with the reason.

``reactor.request`` can send them, except for forms.
"""
